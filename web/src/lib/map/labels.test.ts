import { beforeAll, describe, expect, test } from 'vitest';
import { Labels, MOST, type Wish } from './labels';

/** A canvas without a screen: each letter is six pixels wide. */
class Paper {
  width = 0;
  height = 0;
  getContext(): object {
    const pen = { font: '', scale() {}, strokeText() {}, fillText() {} };
    return { ...pen, measureText: (text: string) => ({ width: text.length * 6 }) };
  }
}

beforeAll(() => {
  Object.assign(globalThis, { document: { createElement: () => new Paper() } });
});

const wish = (id: string, x: number, y: number, order = 0): Wish => ({
  id,
  x,
  y,
  order,
  distance: 12,
  name: id,
  value: '',
});
const labels = (): Labels => new Labels(1, '#000', '#fff');

describe('labels', () => {
  test('stand to the right where there is room', () => {
    const placed = labels().place([wish('Ruhrort', 100, 100)]);
    expect(placed.get('Ruhrort')).toMatchObject({ dx: 12 });
  });

  test('give way to the other sides, and at last to each other', () => {
    const crowd = Array.from({ length: 8 }, (_, i) => wish(`Pegel ${i}`, 100, 100));
    const placed = labels().place(crowd);
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
    const placed = labels().place(crowd);
    expect(placed.get('grave')).toMatchObject({ dx: 12 });
    expect(placed.size).toBe(4);
  });

  test('are no more than a person can read', () => {
    const spread = Array.from({ length: 1000 }, (_, i) =>
      wish(`v${i}`, (i % 40) * 100, Math.floor(i / 40) * 60),
    );
    expect(labels().place(spread).size).toBe(MOST);
  });
});
