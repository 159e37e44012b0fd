// Formats numbers, times and ages for the reader. Pure: language, time zone and present time are given.

import type { Language } from '$lib/texts/texts.svelte';
import { withUnit } from './units';

/** For whom it is written: the language, and the city's time zone. */
export interface Reader {
  language: Language;
  zone: string;
}

export function formatNumber(value: number, reader: Reader, digits = 2): string {
  return new Intl.NumberFormat(reader.language, { maximumFractionDigits: digits }).format(value);
}

/** Day and time in the city, without the day where it is today's. */
export function formatTime(moment: Date, now: Date, reader: Reader, seconds = false): string {
  if (Number.isNaN(moment.getTime())) return '–';
  const clock: Intl.DateTimeFormatOptions = {
    hour: '2-digit',
    minute: '2-digit',
    ...(seconds ? { second: '2-digit' } : {}),
    hourCycle: 'h23',
    timeZone: reader.zone,
  };
  const sameDay = dayOf(moment, reader) === dayOf(now, reader);
  const sameYear = dayOf(moment, reader).slice(0, 4) === dayOf(now, reader).slice(0, 4);
  const day: Intl.DateTimeFormatOptions = sameDay
    ? {}
    : { day: '2-digit', month: '2-digit', ...(sameYear ? {} : { year: 'numeric' }) };
  return new Intl.DateTimeFormat(reader.language === 'de' ? 'de-DE' : 'en-GB', { ...day, ...clock }).format(
    moment,
  );
}

/** The moment of a form's date and time (`2026-11-22T14:30`) in a time zone; null where it is none. An hour that the
 *  clock skips in spring is taken as the one after it. */
export function momentIn(local: string, zone: string): Date | null {
  const wanted = Date.parse(`${local}Z`);
  if (!local || Number.isNaN(wanted)) return null;
  let at = wanted;
  // The offset at the moment that is sought is known after the second step, across a change of the clock too.
  for (let step = 0; step < 2; step += 1) at = wanted - offsetAt(at, zone);
  return new Date(at);
}

/** How far a zone's clock is ahead of UTC, in milliseconds. */
function offsetAt(at: number, zone: string): number {
  const shown = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(at);
  return Date.parse(`${shown.replace(' ', 'T')}Z`) - Math.floor(at / 1000) * 1000;
}

/** The city's day of a moment, `2026-11-22`. */
function dayOf(moment: Date, reader: Reader): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: reader.zone, dateStyle: 'short' }).format(moment);
}

/** The whole moment, for tooltips and tables. */
export function formatMoment(moment: Date, reader: Reader): string {
  if (Number.isNaN(moment.getTime())) return '–';
  return new Intl.DateTimeFormat(reader.language === 'de' ? 'de-DE' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
    timeZone: reader.zone,
  }).format(moment);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity],
];

/** How long ago, in the largest unit that fits: `vor 3 Min.`. */
export function formatAge(moment: Date, now: Date, reader: Reader): string {
  if (Number.isNaN(moment.getTime())) return '–';
  let amount = (moment.getTime() - now.getTime()) / 1000;
  const format = new Intl.RelativeTimeFormat(reader.language, { numeric: 'auto', style: 'short' });
  if (Math.abs(amount) < 5) return format.format(0, 'second');
  for (const [unit, size] of STEPS) {
    if (Math.abs(Math.round(amount)) < size) return format.format(Math.round(amount), unit);
    amount /= size;
  }
  return '–';
}

export function formatDuration(seconds: number, reader: Reader): string {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  const show = (value: number, unit: string) =>
    new Intl.NumberFormat(reader.language, { style: 'unit', unit, unitDisplay: 'short' }).format(value);
  if (days) return `${show(days, 'day')} ${show(hours, 'hour')}`;
  if (hours) return `${show(hours, 'hour')} ${show(minutes, 'minute')}`;
  return minutes ? show(minutes, 'minute') : show(Math.floor(seconds), 'second');
}

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/** Any value an attribute may hold, in words; `now` decides how times are shortened. */
export function formatValue(value: unknown, reader: Reader, now: Date, unitCode?: string): string {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'number') return formatQuantity(value, reader, unitCode);
  if (typeof value === 'boolean') return YES_NO[reader.language][value ? 0 : 1];
  if (typeof value === 'string') return MOMENT.test(value) ? formatTime(new Date(value), now, reader) : value;
  if (Array.isArray(value)) return value.map((each) => formatValue(each, reader, now, unitCode)).join(', ');
  return formatObject(value as Record<string, unknown>, reader, now, unitCode);
}

/** A number without a unit may be an identifier: its digits are not grouped. */
function formatQuantity(value: number, reader: Reader, unitCode?: string): string {
  if (unitCode === undefined && Number.isInteger(value)) return String(value);
  return withUnit(formatNumber(value, reader), unitCode);
}

const YES_NO: Record<Language, [string, string]> = { de: ['ja', 'nein'], en: ['yes', 'no'] };

function formatObject(value: Record<string, unknown>, reader: Reader, now: Date, unitCode?: string): string {
  if ('@value' in value) return formatValue(value['@value'], reader, now, unitCode);
  const texts = value['languageMap'] as Record<string, string> | undefined;
  if (texts) return texts[reader.language] ?? texts['en'] ?? Object.values(texts)[0] ?? '–';
  if (value['type'] === 'Point' && Array.isArray(value['coordinates'])) {
    return formatPlace(value['coordinates'] as number[], reader);
  }
  if (typeof value['type'] === 'string' && 'coordinates' in value) return value['type'];
  return JSON.stringify(value);
}

export function formatPlace([longitude, latitude]: number[], reader: Reader): string {
  if (longitude === undefined || latitude === undefined) return '–';
  const east = reader.language === 'de' ? 'O' : 'E';
  const show = (degrees: number) =>
    new Intl.NumberFormat(reader.language, { minimumFractionDigits: 4, maximumFractionDigits: 4 }).format(
      degrees,
    );
  return `${show(latitude)}° N, ${show(longitude)}° ${east}`;
}

/** The last part of an id that says something: `urn:ngsi-ld:Vessel:mmsi:211…` becomes `mmsi:211…`. */
export function shortId(id: string): string {
  const parts = id.split(':');
  return parts.length > 3 && parts[0] === 'urn' ? parts.slice(3).join(':') : id;
}
