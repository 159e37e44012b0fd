import { describe, expect, test } from 'vitest';
import { MOST, place, type Script, type Wish } from './labels';
import { NOTHING } from './raster';

/** Each letter is six pixels wide. */
const script: Script = {
  measure: ({ name }) => [name.length * 6, 18],
  write: () => NOTHING,
};

const wish = (id: string, x: number, y: number, order = 0): Wish => ({
  id,
  x,
  y,
  order,
  distance: 12,
  name: id,
  value: '',
});

describe('labels', () => {
  test('stand to the right where there is room', () => {
    const placed = place([wish('Ruhrort', 100, 100)], script);
    expect(placed.get('Ruhrort')).toMatchObject({ dx: 12 });
  });

  test('give way to the other sides, and at last to each other', () => {
    const crowd = Array.from({ length: 8 }, (_, i) => wish(`Pegel ${i}`, 100, 100));
    const placed = place(crowd, script);
    expect(placed.size).toBe(4);
    expect(new Set([...placed.values()].map(({ dx, dy }) => `${dx},${dy}`)).size).toBe(4);
  });

  test('the weightier thing is named first', () => {
    const crowd = [
      wish('a', 0, 0, 1),
      wish('b', 0, 0, 1),
      wish('c', 0, 0, 1),
      wish('d', 0, 0, 1),
      wish('grave', 0, 0, 9),
    ];
    const placed = place(crowd, script);
    expect(placed.get('grave')).toMatchObject({ dx: 12 });
    expect(placed.size).toBe(4);
  });

  test('are no more than a person can read', () => {
    const spread = Array.from({ length: 1000 }, (_, i) =>
      wish(`v${i}`, (i % 40) * 100, Math.floor(i / 40) * 60),
    );
    expect(place(spread, script).size).toBe(MOST);
  });

  test('are written only where they have a place', () => {
    const written: string[] = [];
    const counting = { ...script, write: (text: Wish) => (written.push(text.name), script.write(text)) };
    place(
      Array.from({ length: 50 }, (_, i) => wish(`v${i}`, 0, 0)),
      counting as Script,
    );
    expect(written).toHaveLength(4);
  });
});
