// Scales and paths of a chart: round ticks, and a line through the values. Pure.

/** Round numbers across a range, about `wanted` of them: 1, 2 or 5 times a power of ten apart. */
export function ticks(least: number, most: number, wanted: number): number[] {
  if (!(most > least)) return [least];
  const raw = (most - least) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
  const found: number[] = [];
  for (let k = Math.ceil(least / step); k * step <= most + step * 1e-9; k += 1)
    found.push(Number((k * step).toPrecision(12)));
  return found;
}

const MINUTE = 60_000;
const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 43_200];

/** Round moments across a span; `offsetMin` is the zone's distance from UTC, so that midnight is the city's. */
export function timeTicks(since: number, until: number, wanted: number, offsetMin: number): number[] {
  const raw = (until - since) / Math.max(1, wanted) / MINUTE;
  const step = (STEPS_MIN.find((minutes) => minutes >= raw) ?? 43_200) * MINUTE;
  const shift = offsetMin * MINUTE;
  const found: number[] = [];
  for (let at = Math.ceil((since + shift) / step) * step - shift; at <= until; at += step) found.push(at);
  return found;
}

export interface Reading {
  at: number;
  value: number;
}

/** The range of values with some air, and never flat. */
export function valueRange(values: number[]): [number, number] {
  if (!values.length) return [0, 1];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const air = (most - least || Math.max(1, Math.abs(most) * 0.1)) * 0.12;
  return [least - air, most + air];
}

/** Thins a long series to about `most` readings, keeping the least and greatest of each stretch. */
export function thin(readings: Reading[], most: number): Reading[] {
  if (readings.length <= most) return readings;
  const size = Math.ceil((readings.length * 2) / most);
  const kept: Reading[] = [];
  for (let start = 0; start < readings.length; start += size) {
    const stretch = readings.slice(start, start + size);
    const low = stretch.reduce((a, b) => (b.value < a.value ? b : a));
    const high = stretch.reduce((a, b) => (b.value > a.value ? b : a));
    kept.push(...(low === high ? [low] : low.at < high.at ? [low, high] : [high, low]));
  }
  return kept;
}

/** The zone's distance from UTC at a moment, in minutes. */
export function offsetOf(zone: string, moment: number): number {
  const at = Math.floor(moment / MINUTE) * MINUTE;
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  }).formatToParts(at);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value ?? 0);
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'));
  return Math.round((local - at) / MINUTE);
}
