import { describe, expect, test } from 'vitest';
import { MOST, place, type LabelWriter, type LabelRequest } from './labels';
import { NOTHING } from './raster';

/** Each letter is six pixels wide. */
const writer: LabelWriter = {
  measure: ({ name }) => [name.length * 6, 18],
  write: () => NOTHING,
};

const request = (id: string, x: number, y: number, order = 0): LabelRequest => ({
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
    const placed = place([request('Ruhrort', 100, 100)], writer);
    expect(placed.get('Ruhrort')).toMatchObject({ dx: 12 });
  });

  test('give way to the other sides, and at last to each other', () => {
    const crowd = Array.from({ length: 8 }, (_, i) => request(`Pegel ${i}`, 100, 100));
    const placed = place(crowd, writer);
    expect(placed.size).toBe(4);
    expect(new Set([...placed.values()].map(({ dx, dy }) => `${dx},${dy}`)).size).toBe(4);
  });

  test('the weightier thing is named first', () => {
    const crowd = [
      request('a', 0, 0, 1),
      request('b', 0, 0, 1),
      request('c', 0, 0, 1),
      request('d', 0, 0, 1),
      request('grave', 0, 0, 9),
    ];
    const placed = place(crowd, writer);
    expect(placed.get('grave')).toMatchObject({ dx: 12 });
    expect(placed.size).toBe(4);
  });

  test('are no more than a person can read', () => {
    const spread = Array.from({ length: 1000 }, (_, i) =>
      request(`v${i}`, (i % 40) * 100, Math.floor(i / 40) * 60),
    );
    expect(place(spread, writer).size).toBe(MOST);
  });

  test('are written only where they have a place', () => {
    const written: string[] = [];
    const counting = {
      ...writer,
      write: (text: LabelRequest) => (written.push(text.name), writer.write(text)),
    };
    place(
      Array.from({ length: 50 }, (_, i) => request(`v${i}`, 0, 0)),
      counting as LabelWriter,
    );
    expect(written).toHaveLength(4);
  });
});
