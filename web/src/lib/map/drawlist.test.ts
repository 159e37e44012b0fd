import { describe, expect, test } from 'vitest';
import { cutOut, Raster, type Picture } from './raster';
import { DrawList } from './drawlist';

function dot(color: number): Picture {
  const image = new Int32Array(4).fill(color);
  return cutOut(image, 2, { left: 0, top: 0, right: 2, bottom: 2 }, 1, 1);
}
const [RED, BLUE] = [dot(0xff0000ff | 0), dot(0xffff0000 | 0)];

/** Draws a frame; tells whether it must be painted. */
function draw(drawList: DrawList, ...all: [Picture, number, number][]): boolean {
  drawList.begin();
  for (const each of all) drawList.add(...each);
  drawList.end();
  return drawList.changed;
}

describe('the drawList of a frame', () => {
  test('are new where something moved by a pixel, looks otherwise, came or went', () => {
    const drawList = new DrawList();
    expect(draw(drawList, [RED, 5, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(drawList, [RED, 5, 5], [BLUE, 9, 9])).toBe(false);
    expect(draw(drawList, [RED, 5.3, 5], [BLUE, 9, 9])).toBe(false);
    expect(draw(drawList, [RED, 6.2, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(drawList, [BLUE, 6, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(drawList, [BLUE, 6, 5])).toBe(true);
    expect(draw(drawList, [BLUE, 6, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(drawList, [BLUE, 6, 5], [BLUE, 9, 9])).toBe(false);
    drawList.forget();
    expect(draw(drawList, [BLUE, 6, 5], [BLUE, 9, 9])).toBe(true);
    expect(draw(drawList)).toBe(true);
    expect(draw(drawList)).toBe(false);
  });

  test('lie one above the other in their order, however many', () => {
    const drawList = new DrawList();
    const raster = new Raster(40, 40, null);
    draw(drawList, ...Array.from({ length: 600 }, (): [Picture, number, number] => [RED, 9, 9]), [
      BLUE,
      9,
      9,
    ]);
    drawList.paintOn(raster);
    expect(raster.pixels[9 * 40 + 9]).toBe(0xffff0000 | 0);
  });
});
