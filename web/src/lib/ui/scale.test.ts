import { describe, expect, test } from 'vitest';
import { offsetOf, thin, ticks, timeTicks, valueRange } from './scale';

describe('the scale of a chart', () => {
  test('ticks are round and within the range', () => {
    expect(ticks(772, 818, 4)).toEqual([780, 800]);
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(5, 5, 4)).toEqual([5]);
  });

  test('moments are round in the city’s zone', () => {
    const since = Date.parse('2026-11-21T17:13:20Z');
    const until = since + 86_400_000;
    const labels = timeTicks(since, until, 4, offsetOf('Europe/Berlin', until)).map((at) =>
      new Date(at).toISOString(),
    );
    expect(labels).toEqual([
      '2026-11-21T23:00:00.000Z',
      '2026-11-22T05:00:00.000Z',
      '2026-11-22T11:00:00.000Z',
      '2026-11-22T17:00:00.000Z',
    ]);
  });

  test('the zone’s distance is whole minutes, summer and winter', () => {
    expect(offsetOf('Europe/Berlin', Date.parse('2026-01-01T00:00:42Z'))).toBe(60);
    expect(offsetOf('Europe/Berlin', Date.parse('2026-07-01T00:00:42Z'))).toBe(120);
  });

  test('a range is never flat and never empty', () => {
    const [least, most] = valueRange([5, 5]);
    expect(least).toBeLessThan(5);
    expect(most).toBeGreaterThan(5);
    expect(valueRange([])).toEqual([0, 1]);
  });

  test('thinning keeps the least and the greatest', () => {
    const readings = Array.from({ length: 10_000 }, (_, at) => ({
      at,
      value: at === 4321 ? 99 : at === 8765 ? -99 : 0,
    }));
    const kept = thin(readings, 600);
    expect(kept.length).toBeLessThanOrEqual(601);
    expect(kept.map((each) => each.value)).toContain(99);
    expect(kept.map((each) => each.value)).toContain(-99);
    expect(kept.map((each) => each.at)).toEqual(kept.map((each) => each.at).toSorted((a, b) => a - b));
  });
});
