// Everything that moves, on a canvas of its own above the map: the base map is painted again only when it is moved.
//
// A machine without a graphics card paints the base map in a tenth of a second but copies thousands of small pictures
// in a few milliseconds; so a control room on a plain office computer stays smooth.

import type { Flock } from './flock';
import { Labels, type Placed, type Wish } from './labels';
import type { Palette } from './palette';
import { scaleAt, Sprites, type Look } from './sprites';

/** Which part of the world is in view: Mercator units of the middle, pixels a unit, size in CSS pixels. */
export interface Camera {
  x: number;
  y: number;
  zoom: number;
  width: number;
  height: number;
}

/** What is drawn: the flocks from below to above, whose labels are wished for, and the one that is ringed. */
export interface Scene {
  camera(): Camera;
  flocks(zoom: number): Flock<Look>[];
  wishes(camera: Camera, now: number): Wish[];
  chosen(now: number): [number, number] | null;
}

/** Gliding is drawn thirty times a second where the machine can; a slow one gets twice as long to rest as to paint. */
const FRAME_MS = 33;
const LONGEST_REST_MS = 500;
const LABELS_EVERY_MS = 400;
const EDGE_PX = 40;
const FAINT = 0.45;

export class Overlay {
  readonly canvas = document.createElement('canvas');
  frames = 0;
  private readonly pen = this.canvas.getContext('2d');
  private readonly ratio = Math.min(2, globalThis.devicePixelRatio || 1);
  private sprites: Sprites;
  private labels: Labels;
  private placed = new Map<string, Placed>();
  private placedAt = -Infinity;
  private scheduled = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private rest_ms = FRAME_MS;
  private stopped = false;

  constructor(
    private readonly scene: Scene,
    private palette: Palette,
  ) {
    this.sprites = this.newSprites();
    this.labels = this.newLabels();
    this.canvas.className = 'map-overlay';
    this.canvas.setAttribute('aria-hidden', 'true');
  }

  paintWith(palette: Palette): void {
    this.palette = palette;
    this.sprites = this.newSprites();
    this.forgetLabels();
  }

  /** Paints labels anew: the fonts have come, or the language is another. */
  forgetLabels(): void {
    this.labels = this.newLabels();
    this.placedAt = -Infinity;
    this.invalidate();
  }

  /** Has the overlay painted in the next frame. */
  invalidate(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    const asked = performance.now();
    requestAnimationFrame(() => this.frame(asked));
  }

  /** Paints now: together with the map that is being moved. */
  paint(): void {
    const camera = this.scene.camera();
    const now = performance.now();
    if (!this.pen || !camera.width) return;
    this.fit(camera);
    this.pen.setTransform(1, 0, 0, 1, 0, 0);
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.sprites.use(scaleAt(camera.zoom));
    const flocks = this.scene.flocks(camera.zoom);
    this.paintRing(camera, now);
    this.paintSigns(camera, now, flocks);
    this.paintLabels(camera, now, flocks);
    this.frames += 1;
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.canvas.remove();
  }

  private frame(asked: number): void {
    this.scheduled = false;
    if (this.stopped) return;
    const came = performance.now();
    this.paint();
    const done = performance.now();
    // A frame that came late or took long says how much the machine can bear.
    const strain = Math.max(0, came - asked - 17) + (done - came) * 2;
    this.rest_ms = Math.min(LONGEST_REST_MS, Math.max(FRAME_MS - (done - came), (this.rest_ms + strain) / 2));
    const moving = this.scene.flocks(this.scene.camera().zoom).some((flock) => flock.movingUntil > done);
    if (moving && !this.timer) {
      this.timer = setTimeout(() => {
        this.timer = null;
        this.invalidate();
      }, this.rest_ms);
    }
  }

  private paintSigns(camera: Camera, now: number, flocks: Flock<Look>[]): void {
    const pen = this.pen as CanvasRenderingContext2D;
    const size = worldSize(camera);
    const { ratio } = this;
    const [left, top] = corner(camera);
    for (const flock of flocks) {
      flock.within(boxOf(camera, EDGE_PX), now, (_id, x, y, heading, look) => {
        const sprite = this.sprites.get(look);
        const [px, py] = [(x - left) * size * ratio, (y - top) * size * ratio];
        if (look.faint) pen.globalAlpha = FAINT;
        if (look.turns) {
          const angle = (heading * Math.PI) / 180;
          const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
          pen.setTransform(cos, sin, -sin, cos, px, py);
          pen.drawImage(sprite.body, -sprite.half, -sprite.half);
          pen.setTransform(1, 0, 0, 1, 0, 0);
          if (sprite.glyph) pen.drawImage(sprite.glyph, px - sprite.half, py - sprite.half);
        } else {
          pen.drawImage(sprite.body, px - sprite.half, py - sprite.half);
        }
        if (look.faint) pen.globalAlpha = 1;
      });
    }
  }

  private paintLabels(camera: Camera, now: number, flocks: Flock<Look>[]): void {
    const pen = this.pen as CanvasRenderingContext2D;
    if (now - this.placedAt >= LABELS_EVERY_MS) {
      this.placed = this.labels.place(this.scene.wishes(camera, now));
      this.placedAt = now;
    }
    const size = worldSize(camera);
    const [left, top] = corner(camera);
    for (const [id, label] of this.placed) {
      for (const flock of flocks) {
        const place = flock.find(id, now);
        if (!place) continue;
        const [px, py] = [(place[0] - left) * size + label.dx, (place[1] - top) * size + label.dy];
        pen.drawImage(label.picture, Math.round(px * this.ratio), Math.round(py * this.ratio));
        break;
      }
    }
  }

  private paintRing(camera: Camera, now: number): void {
    const place = this.scene.chosen(now);
    const pen = this.pen as CanvasRenderingContext2D;
    if (!place) return;
    const size = worldSize(camera);
    const [left, top] = corner(camera);
    const scale = this.ratio;
    for (const [color, width] of [
      [this.palette.halo, 6],
      [this.palette.label, 2.5],
    ] as const) {
      pen.beginPath();
      pen.arc((place[0] - left) * size * scale, (place[1] - top) * size * scale, 22 * scale, 0, Math.PI * 2);
      pen.strokeStyle = color;
      pen.lineWidth = width * scale;
      pen.stroke();
    }
  }

  private fit({ width, height }: Camera): void {
    const [wide, high] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    if (this.canvas.width === wide && this.canvas.height === high) return;
    this.canvas.width = wide;
    this.canvas.height = high;
  }

  private newSprites(): Sprites {
    return new Sprites(this.ratio, this.palette.spriteHalo, this.palette.lift);
  }

  private newLabels(): Labels {
    return new Labels(this.ratio, this.palette.label, this.palette.halo);
  }
}

/** Pixels a Mercator unit. */
export function worldSize(camera: Camera): number {
  return 512 * 2 ** camera.zoom;
}

/** The upper left corner in Mercator units. */
export function corner(camera: Camera): [number, number] {
  const size = worldSize(camera);
  return [camera.x - camera.width / 2 / size, camera.y - camera.height / 2 / size];
}

/** What is in view, with an edge for what reaches in. */
export function boxOf(camera: Camera, edge_px: number): [number, number, number, number] {
  const size = worldSize(camera);
  const [west, north] = corner(camera);
  const edge = edge_px / size;
  return [west - edge, north - edge, west + camera.width / size + edge, north + camera.height / size + edge];
}
