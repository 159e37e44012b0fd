// What a frame shows, in order: which picture at which pixel. Most things move less than a pixel from one frame to the
// next, so that often a frame is as the one before and need not be painted at all.

import type { Picture, Raster } from './raster';

export class DrawList {
  /** Whether something is otherwise than in the frame before. */
  changed = true;
  private readonly pictures: Picture[] = [];
  private corners = new Int32Array(512);
  private count = 0;
  private before = 0;

  begin(): void {
    this.before = this.count;
    this.count = 0;
    this.changed = false;
  }

  /** Adds a picture with what it marks at a place. */
  add(picture: Picture, x: number, y: number): void {
    const at = this.count;
    const [left, top] = [Math.round(x + picture.left), Math.round(y + picture.top)];
    if (at * 2 >= this.corners.length) this.grow();
    const { pictures, corners } = this;
    if (
      at >= this.before ||
      pictures[at] !== picture ||
      corners[at * 2] !== left ||
      corners[at * 2 + 1] !== top
    ) {
      this.changed = true;
      pictures[at] = picture;
      corners[at * 2] = left;
      corners[at * 2 + 1] = top;
    }
    this.count = at + 1;
  }

  end(): void {
    if (this.count !== this.before) this.changed = true;
    this.pictures.length = this.count;
  }

  /** Has the next frame painted whatever is in it: the sheet is another. */
  forget(): void {
    this.count = 0;
  }

  paintOn(raster: Raster): void {
    for (let at = 0; at < this.count; at += 1) {
      raster.draw(
        this.pictures[at] as Picture,
        this.corners[at * 2] as number,
        this.corners[at * 2 + 1] as number,
      );
    }
  }

  private grow(): void {
    const larger = new Int32Array(this.corners.length * 2);
    larger.set(this.corners);
    this.corners = larger;
  }
}
