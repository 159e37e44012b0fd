import { describe, expect, test } from 'vitest';
import { MovingPoints, project, unproject, type Report } from './points';

const report = (longitude: number, latitude: number, heading = 0): Report<string> => ({
  longitude,
  latitude,
  heading,
  style: 'ship',
});
const place = (points: MovingPoints<string>, id: string, at: number): [number, number] | null => {
  const found = points.find(id, at);
  return found && unproject(...found);
};

describe('a points', () => {
  test('a thing glides from where it was to where it is seen', () => {
    const points = new MovingPoints<string>();
    points.put('a', report(6.7, 51.4), 1000);
    points.put('a', report(6.702, 51.4), 2000);
    expect(place(points, 'a', 2000)?.[0]).toBeCloseTo(6.7, 7);
    expect(place(points, 'a', 2500)?.[0]).toBeCloseTo(6.701, 7);
    expect(place(points, 'a', 3000)?.[0]).toBeCloseTo(6.702, 7);
    expect(place(points, 'a', 9000)?.[0]).toBeCloseTo(6.702, 7);
    expect(points.movingUntil).toBe(3000);
  });

  test('a new report on the way begins where the thing is drawn', () => {
    const points = new MovingPoints<string>();
    points.put('a', report(6.7, 51.4), 1000);
    points.put('a', report(6.702, 51.4), 2000);
    points.put('a', report(6.704, 51.4), 2500);
    expect(place(points, 'a', 2500)?.[0]).toBeCloseTo(6.701, 7);
  });

  test('a correction over a long way is a leap', () => {
    const points = new MovingPoints<string>();
    points.put('a', report(6.7, 51.4), 1000);
    points.put('a', report(6.9, 51.4), 2000);
    expect(place(points, 'a', 2000)?.[0]).toBeCloseTo(6.9, 7);
  });

  test('with reduced motion nothing glides', () => {
    const points = new MovingPoints<string>(true);
    points.put('a', report(6.7, 51.4), 1000);
    points.put('a', report(6.702, 51.4), 2000);
    expect(place(points, 'a', 2000)?.[0]).toBeCloseTo(6.702, 7);
  });

  test('a turn takes the shorter way', () => {
    const points = new MovingPoints<string>();
    points.put('a', report(6.7, 51.4, 350), 1000);
    points.put('a', report(6.7001, 51.4, 10), 2000);
    let heading = 0;
    points.within([0, 0, 1, 1], 2500, (_id, _x, _y, turned) => (heading = turned));
    expect(heading).toBeCloseTo(360, 5);
  });

  test('what goes leaves no gap, and the others stay where they are', () => {
    const points = new MovingPoints<string>();
    for (let i = 0; i < 200; i += 1) points.put(`v${i}`, report(6.7 + i / 1000, 51.4), 1000);
    points.remove('v0');
    points.remove('v199');
    points.remove('unknown');
    expect(points.count).toBe(198);
    expect(points.find('v0', 1000)).toBeNull();
    expect(place(points, 'v198', 1000)?.[0]).toBeCloseTo(6.898, 7);
    const seen = new Set<string>();
    points.within([0, 0, 1, 1], 1000, (id) => seen.add(id));
    expect(seen.size).toBe(198);
  });

  test('only what lies within the box is visited', () => {
    const points = new MovingPoints<string>();
    points.put('in', report(6.745, 51.447), 1000);
    points.put('out', report(7.2, 51.447), 1000);
    const [x, y] = project(6.745, 51.447);
    const found: string[] = [];
    points.within([x - 1e-4, y - 1e-4, x + 1e-4, y + 1e-4], 1000, (id) => found.push(id));
    expect(found).toEqual(['in']);
  });

  test('the projection is its own inverse to a millimetre', () => {
    const [longitude, latitude] = unproject(...project(6.7277, 51.4552));
    expect(longitude).toBeCloseTo(6.7277, 8);
    expect(latitude).toBeCloseTo(51.4552, 8);
  });
});
