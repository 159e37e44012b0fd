// Draws everything that moves on a canvas above the map: the base map is painted again only when it is moved.
//
// A machine without a graphics card paints the base map in a tenth of a second but copies thousands of small pictures
// in a few milliseconds; so a control room on a plain office computer stays smooth.

import type { MovingPoints } from './points';
import { place, type Placed, type LabelRequest } from './labels';
import { LabelPainter } from './label-painter';
import type { Palette } from './palette';
import { cutOut, Raster, readBack, type Picture } from './raster';
import { scaleAt, Sprites, type SymbolStyle } from './sprites';
import { DrawList } from './drawlist';

/** Which part of the world is in view: Mercator units of the middle, pixels a unit, size in CSS pixels. */
export interface Camera {
  x: number;
  y: number;
  zoom: number;
  width: number;
  height: number;
}

/** What is drawn: the point sets from bottom to top, the labels, and the selected one. */
export interface Scene {
  camera(): Camera;
  pointSets(zoom: number): MovingPoints<SymbolStyle>[];
  labelRequests(camera: Camera, now: number): LabelRequest[];
  chosen(now: number): [number, number] | null;
}

/** Gliding is drawn thirty times a second where the machine can; a slow one rests at least as long as it paints. */
const FRAME_MS = 33;
/** A screen takes pictures each 17 ms: who asks half of that before is in time for the next. */
const TICK_MS = 17;
const LONGEST_REST_MS = 500;
const LABELS_EVERY_MS = 400;
const EDGE_PX = 40;
const RING_PX = 22;

export class Overlay {
  readonly canvas = document.createElement('canvas');
  frames = 0;
  private readonly pen = this.canvas.getContext('2d', { willReadFrequently: true });
  private readonly ratio = Math.min(2, globalThis.devicePixelRatio || 1);
  private raster = new Raster(0, 0, null);
  private readonly drawList = new DrawList();
  private sprites: Sprites;
  private labelPainter: LabelPainter;
  private ring: Picture | null = null;
  private placed = new Map<string, Placed>();
  private placedAt = -Infinity;
  private scheduled = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private rest_ms = FRAME_MS;
  private painted_ms = -Infinity;
  private stopped = false;
  private hidden = false;

  constructor(
    private readonly scene: Scene,
    private palette: Palette,
  ) {
    this.sprites = this.newSprites();
    this.labelPainter = this.newLabelPainter();
    this.canvas.className = 'map-overlay';
    this.canvas.setAttribute('aria-hidden', 'true');
  }

  paintWith(palette: Palette): void {
    this.palette = palette;
    this.sprites = this.newSprites();
    this.ring = null;
    this.forgetLabels();
  }

  /** Paints labels anew: the fonts have come, or the language is another. */
  forgetLabels(): void {
    this.labelPainter = this.newLabelPainter();
    this.placedAt = -Infinity;
    this.invalidate();
  }

  /** Stops painting while the map is covered. */
  hide(hidden: boolean): void {
    this.hidden = hidden;
    this.invalidate();
  }

  /** Has the overlay painted in the next frame. */
  invalidate(): void {
    if (this.scheduled || this.stopped || this.hidden) return;
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
    this.drawList.begin();
    this.sprites.use(scaleAt(camera.zoom));
    const pointSets = this.scene.pointSets(camera.zoom);
    this.paintRing(camera, now);
    this.paintSigns(camera, now, pointSets);
    this.paintLabels(camera, now, pointSets);
    this.drawList.end();
    if (this.drawList.changed) {
      this.raster.clear();
      this.drawList.paintOn(this.raster);
      this.raster.show(this.pen);
    }
    this.frames += 1;
    this.painted_ms = performance.now();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.canvas.remove();
  }

  private frame(asked: number): void {
    this.scheduled = false;
    if (this.stopped || this.hidden) return;
    const came = performance.now();
    // A map that is being moved has painted us with itself.
    if (came - this.painted_ms > TICK_MS / 2) this.paint();
    const done = performance.now();
    // A frame that came late or took long says how much the machine can bear.
    const took = done - came;
    const strain = took + Math.max(0, came - asked - TICK_MS) / 2;
    this.rest_ms = Math.min(
      LONGEST_REST_MS,
      Math.max(FRAME_MS - took - TICK_MS / 2, (this.rest_ms + strain) / 2),
    );
    const moving = this.scene.pointSets(this.scene.camera().zoom).some((points) => points.movingUntil > done);
    if (moving && !this.timer) {
      this.timer = setTimeout(() => {
        this.timer = null;
        this.invalidate();
      }, this.rest_ms);
    }
  }

  private paintSigns(camera: Camera, now: number, pointSets: MovingPoints<SymbolStyle>[]): void {
    const { drawList, sprites } = this;
    const size = worldSize(camera) * this.ratio;
    const [left, top] = corner(camera);
    const box = boxOf(camera, EDGE_PX);
    for (const points of pointSets) {
      points.within(box, now, (_id, x, y, heading, style) => {
        drawList.add(sprites.get(style, heading), (x - left) * size, (y - top) * size);
      });
    }
  }

  private paintLabels(camera: Camera, now: number, pointSets: MovingPoints<SymbolStyle>[]): void {
    if (now - this.placedAt >= LABELS_EVERY_MS) {
      this.placed = place(this.scene.labelRequests(camera, now), this.labelPainter);
      this.placedAt = now;
    }
    const size = worldSize(camera);
    const [left, top] = corner(camera);
    for (const [id, label] of this.placed) {
      for (const points of pointSets) {
        const at = points.find(id, now);
        if (!at) continue;
        const [x, y] = [(at[0] - left) * size + label.dx, (at[1] - top) * size + label.dy];
        this.drawList.add(label.picture, x * this.ratio, y * this.ratio);
        break;
      }
    }
  }

  private paintRing(camera: Camera, now: number): void {
    const at = this.scene.chosen(now);
    if (!at) return;
    this.ring ??= this.drawRing();
    const size = worldSize(camera) * this.ratio;
    const [left, top] = corner(camera);
    this.drawList.add(this.ring, (at[0] - left) * size, (at[1] - top) * size);
  }

  private drawRing(): Picture {
    const side = Math.ceil((RING_PX + 4) * 2 * this.ratio);
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = side;
    const pen = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
    for (const [color, width] of [
      [this.palette.halo, 6],
      [this.palette.label, 2.5],
    ] as const) {
      pen.beginPath();
      pen.arc(side / 2, side / 2, RING_PX * this.ratio, 0, Math.PI * 2);
      pen.strokeStyle = color;
      pen.lineWidth = width * this.ratio;
      pen.stroke();
    }
    return cutOut(readBack(pen), side, { left: 0, top: 0, right: side, bottom: side }, side / 2, side / 2);
  }

  private fit({ width, height }: Camera): void {
    const [wide, high] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    if (this.canvas.width === wide && this.canvas.height === high) return;
    this.canvas.width = wide;
    this.canvas.height = high;
    this.drawList.forget();
    this.raster = new Raster(wide, high, (across, down) => new ImageData(across, down));
  }

  private newSprites(): Sprites {
    return new Sprites(this.ratio, this.palette.spriteHalo, this.palette.lift);
  }

  private newLabelPainter(): LabelPainter {
    return new LabelPainter(this.ratio, this.palette.label, this.palette.halo);
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
