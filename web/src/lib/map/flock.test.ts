import { describe, expect, test } from 'vitest';
import { Flock, STRIDE, project, unproject, type Sign } from './flock';

const sign = (longitude: number, latitude: number, heading = 0): Sign => ({
  longitude,
  latitude,
  heading,
  color: [1, 2, 3],
  body: 0,
  glyph: 0,
  size: 30,
  opacity: 255,
});
const origin = project(6.745, 51.447);
const place = (flock: Flock, id: string, at: number): [number, number] | null => {
  const found = flock.find(id, at);
  return found && unproject(found[0] + origin[0], found[1] + origin[1]);
};

describe('a flock', () => {
  test('a thing glides from where it was to where it is seen', () => {
    const flock = new Flock(origin);
    flock.put('a', sign(6.7, 51.4), 1000);
    flock.put('a', sign(6.702, 51.4), 2000);
    expect(place(flock, 'a', 2000)?.[0]).toBeCloseTo(6.7, 5);
    expect(place(flock, 'a', 2500)?.[0]).toBeCloseTo(6.701, 5);
    expect(place(flock, 'a', 3000)?.[0]).toBeCloseTo(6.702, 5);
    expect(place(flock, 'a', 9000)?.[0]).toBeCloseTo(6.702, 5);
  });

  test('a new report on the way begins where the thing is drawn', () => {
    const flock = new Flock(origin);
    flock.put('a', sign(6.7, 51.4), 1000);
    flock.put('a', sign(6.702, 51.4), 2000);
    flock.put('a', sign(6.704, 51.4), 2500);
    expect(place(flock, 'a', 2500)?.[0]).toBeCloseTo(6.701, 5);
  });

  test('a correction over a long way is a leap', () => {
    const flock = new Flock(origin);
    flock.put('a', sign(6.7, 51.4), 1000);
    flock.put('a', sign(6.9, 51.4), 2000);
    expect(place(flock, 'a', 2000)?.[0]).toBeCloseTo(6.9, 5);
  });

  test('whoever wants no motion sees none', () => {
    const flock = new Flock(origin, true);
    flock.put('a', sign(6.7, 51.4), 1000);
    flock.put('a', sign(6.702, 51.4), 2000);
    expect(place(flock, 'a', 2000)?.[0]).toBeCloseTo(6.702, 5);
    expect(flock.movingUntil).toBe(0);
  });

  test('a turn takes the shorter way', () => {
    const flock = new Flock(origin);
    flock.put('a', sign(6.7, 51.4, 350), 1000);
    flock.put('a', sign(6.7, 51.4, 10), 2000);
    const turn = new Float32Array(flock.bytes, 24, 2);
    expect([...turn]).toEqual([350, 370]);
  });

  test('what goes leaves no gap, and the others stay where they are', () => {
    const flock = new Flock(origin);
    for (let i = 0; i < 200; i += 1) flock.put(`v${i}`, sign(6.7 + i / 1000, 51.4), 1000);
    flock.remove('v0');
    flock.remove('v199');
    flock.remove('unknown');
    expect(flock.count).toBe(198);
    expect(flock.find('v0', 1000)).toBeNull();
    expect(place(flock, 'v198', 1000)?.[0]).toBeCloseTo(6.898, 5);
    expect(flock.bytes.byteLength).toBeGreaterThanOrEqual(198 * STRIDE);
  });

  test('after hours the clock starts afresh without anything jumping', () => {
    const flock = new Flock(origin);
    flock.put('a', sign(6.7, 51.4), 1000);
    flock.put('a', sign(6.702, 51.4), 4_000_000);
    expect(place(flock, 'a', 4_000_000)?.[0]).toBeCloseTo(6.7, 5);
    expect(flock.time(4_000_000)).toBeLessThan(3600);
    expect(place(flock, 'a', 4_001_500)?.[0]).toBeCloseTo(6.701, 5);
  });

  test('only what lies within the box is told', () => {
    const flock = new Flock(origin);
    flock.put('in', sign(6.745, 51.447), 1000);
    flock.put('out', sign(7.2, 51.447), 1000);
    const found: string[] = [];
    flock.within([-0.0001, -0.0001, 0.0001, 0.0001], 1000, (id) => found.push(id));
    expect(found).toEqual(['in']);
  });

  test('the projection is its own inverse to a centimetre', () => {
    const [longitude, latitude] = unproject(...project(6.7277, 51.4552));
    expect(longitude).toBeCloseTo(6.7277, 7);
    expect(latitude).toBeCloseTo(51.4552, 7);
  });
});
