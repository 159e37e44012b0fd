import { describe, expect, test } from 'vitest';
import { centreOf, firstView } from './first-view';

describe('the first view', () => {
  test('begins where the city says, else amid its area, else at the mouth of the Ruhr', () => {
    expect(centreOf({ centre: [7, 51], bbox: [0, 0, 2, 4] })).toEqual([7, 51]);
    expect(centreOf({ centre: null, bbox: [0, 0, 2, 4] })).toEqual([1, 2]);
    expect(centreOf({ centre: null, bbox: null })).toEqual([6.745, 51.447]);
  });

  test('has the centre in its middle, and is as wide as the map', () => {
    const { box, zoom } = firstView({ centre: [6.75, 51.43], bbox: null, zoom: 11 }, 1024, 512);
    expect(zoom).toBe(11);
    expect((box[0] + box[2]) / 2).toBeCloseTo(6.75, 9);
    // The whole world is 512 pixels wide at zoom 0.
    expect(box[2] - box[0]).toBeCloseTo((1024 / (512 * 2 ** 11)) * 360, 9);
    expect(box[1]).toBeLessThan(51.43);
    expect(box[3]).toBeGreaterThan(51.43);
  });
});
