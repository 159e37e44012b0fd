import { describe, expect, test } from 'vitest';
import { cutOut, Raster, type Picture } from './raster';

const RED = 0xff0000ff | 0;
const HALF_BLUE = 0x80ff0000 | 0;

/** A rectangle around the place that it marks. */
function dot(color: number, width = 2, height = 2): Picture {
  const image = new Int32Array(width * height).fill(color);
  return cutOut(image, width, { left: 0, top: 0, right: width, bottom: height }, width / 2, height / 2);
}
/** DrawList a picture with what it marks at a place. */
const draw = (raster: Raster, picture: Picture, x: number, y: number): void =>
  raster.draw(picture, x + picture.left, y + picture.top);
const sheet = (): Raster => new Raster(40, 70, null);
const painted = (raster: Raster): number => raster.pixels.filter((pixel) => pixel !== 0).length;

describe('a raster', () => {
  test('drawList a picture around the place it marks', () => {
    const raster = sheet();
    draw(raster, dot(RED), 10, 20);
    expect(raster.pixels[19 * 40 + 9]).toBe(RED);
    expect(raster.pixels[20 * 40 + 10]).toBe(RED);
    expect(painted(raster)).toBe(4);
  });

  test('leaves out what hangs over the edge', () => {
    const raster = sheet();
    for (const [x, y] of [
      [0, 0],
      [40, 70],
    ] as const)
      draw(raster, dot(RED, 4, 4), x, y);
    expect(painted(raster)).toBe(8);
    draw(raster, dot(RED), -50, 20);
    draw(raster, dot(RED), 20, 500);
    expect(painted(raster)).toBe(8);
  });

  test('shows what lies below through what is translucent', () => {
    const raster = sheet();
    draw(raster, dot(RED), 5, 5);
    draw(raster, dot(HALF_BLUE), 5, 5);
    const pixel = raster.pixels[5 * 40 + 5] ?? 0;
    expect(pixel >>> 24).toBe(255);
    expect((pixel >>> 16) & 255).toBeCloseTo(128, -1);
    expect(pixel & 255).toBeCloseTo(127, -1);
    draw(raster, dot(HALF_BLUE), 30, 50);
    expect(raster.pixels[50 * 40 + 30]).toBe(HALF_BLUE);
  });

  test('is empty after it was cleared, however often', () => {
    const raster = sheet();
    for (let frame = 0; frame < 3; frame += 1) {
      raster.clear();
      draw(raster, dot(RED, 6, 6), 10 + frame * 9, 32 * frame);
    }
    expect(painted(raster)).toBe(36);
    raster.clear();
    expect(painted(raster)).toBe(0);
  });

  test('wipes on the screen what was there before', () => {
    const put: number[][] = [];
    const pen = { putImageData: (_: unknown, ...rest: number[]) => put.push(rest.slice(2)) };
    const raster = new Raster(40, 70, (width, height) => {
      return { width, height, data: new Uint8ClampedArray(width * height * 4) } as unknown as ImageData;
    });
    raster.clear();
    draw(raster, dot(RED), 5, 5);
    raster.show(pen as unknown as CanvasRenderingContext2D);
    raster.clear();
    draw(raster, dot(RED), 30, 5);
    raster.show(pen as unknown as CanvasRenderingContext2D);
    expect(put).toEqual([
      [4, 0, 2, 32],
      [4, 0, 27, 32],
    ]);
  });
});

test('a picture is cut to what is not empty', () => {
  const image = new Int32Array(100);
  image[3 * 10 + 4] = RED;
  image[5 * 10 + 6] = RED;
  const picture = cutOut(image, 10, { left: 0, top: 0, right: 10, bottom: 10 }, 5, 5);
  expect(picture).toMatchObject({ width: 3, height: 3, left: -1, top: -2 });
  expect([...picture.spots]).toEqual([0, (2 << 16) | 2]);
  expect([...picture.colors]).toEqual([RED, RED]);
  expect(cutOut(new Int32Array(100), 10, { left: 0, top: 0, right: 10, bottom: 10 }, 5, 5).width).toBe(0);
});
