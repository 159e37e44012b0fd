import { describe, expect, test } from 'vitest';
import { cutOut, Raster, type Picture } from './raster';
import { Stamps } from './stamps';

function dot(color: number): Picture {
  const image = new Int32Array(4).fill(color);
  return cutOut(image, 2, { left: 0, top: 0, right: 2, bottom: 2 }, 1, 1);
}
const [RED, BLUE] = [dot(0xff0000ff | 0), dot(0xffff0000 | 0)];

/** Draws a frame; tells whether it must be painted. */
function draw(stamps: Stamps, ...all: [Picture, number, number][]): boolean {
  stamps.begin();
  for (const each of all) stamps.add(...each);
  stamps.end();
  return stamps.changed;
}

describe('the stamps of a frame', () => {
  test('are new where something moved by a pixel, looks otherwise, came or went', () => {
    const stamps = new Stamps();
    expect(draw(stamps, [RED, 5, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(stamps, [RED, 5, 5], [BLUE, 9, 9])).toBe(false);
    expect(draw(stamps, [RED, 5.3, 5], [BLUE, 9, 9])).toBe(false);
    expect(draw(stamps, [RED, 6.2, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(stamps, [BLUE, 6, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(stamps, [BLUE, 6, 5])).toBe(true);
    expect(draw(stamps, [BLUE, 6, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(stamps, [BLUE, 6, 5], [BLUE, 9, 9])).toBe(false);
    stamps.forget();
    expect(draw(stamps, [BLUE, 6, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(stamps)).toBe(true);
    expect(draw(stamps)).toBe(false);
  });

  test('lie one above the other in their order, however many', () => {
    const stamps = new Stamps();
    const raster = new Raster(40, 40, null);
    draw(stamps, ...Array.from({ length: 600 }, (): [Picture, number, number] => [RED, 9, 9]), [BLUE, 9, 9]);
    stamps.paintOn(raster);
    expect(raster.pixels[9 * 40 + 9]).toBe(0xffff0000 | 0);
  });
});
