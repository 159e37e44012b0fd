// UN/CEFACT unit codes as symbols; a code that is not listed is shown as it is.

const SYMBOLS: Record<string, string> = {
  '2N': 'dB',
  A97: 'hPa',
  BAR: 'bar',
  C62: '',
  CEL: '°C',
  CMT: 'cm',
  D54: 'W/m²',
  DD: '°',
  E34: 'GB',
  FNU: 'FNU',
  GP: 'mg/m³',
  GQ: 'µg/m³',
  H67: 'mm/h',
  HTZ: 'Hz',
  HUR: 'h',
  KEL: 'K',
  KGM: 'kg',
  KMH: 'km/h',
  KMT: 'km',
  KNT: 'kn',
  KWH: 'kWh',
  KWT: 'kW',
  LTR: 'l',
  LUX: 'lx',
  MBR: 'mbar',
  MIN: 'min',
  MMT: 'mm',
  MQS: 'm³/s',
  MTK: 'm²',
  MTQ: 'm³',
  MTR: 'm',
  MTS: 'm/s',
  P1: '%',
  PAL: 'Pa',
  SEC: 's',
  TNE: 't',
  VLT: 'V',
  WTT: 'W',
};

export function symbol(unitCode: string | undefined): string {
  return unitCode === undefined ? '' : (SYMBOLS[unitCode] ?? unitCode);
}

/** Joins number and unit as the unit wants it: `245°`, `812 cm`. */
export function withUnit(number: string, unitCode: string | undefined): string {
  const unit = symbol(unitCode);
  if (!unit) return number;
  return unit === '°' ? number + unit : `${number}\u202f${unit}`;
}
