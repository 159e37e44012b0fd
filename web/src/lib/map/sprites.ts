// Signs as small pictures, painted once for each look, heading, zoom step and theme: a frame then only stamps them.

import { cutOut, NOTHING, readBack, type Picture } from './raster';
import { paintBody, paintGlyph, type Body, type Glyph } from './shapes';

/** How one thing looks. Looks are shared: things that look alike have the very same one. */
export interface Look {
  body: Body;
  glyph: Glyph;
  /** `#rrggbb` */
  color: string;
  hollow: boolean;
  /** Whether the body turns with the heading. */
  turns: boolean;
  size: number;
  faint: boolean;
}

/** Below this scale a glyph would be a blot. */
const GLYPH_FROM = 0.62;
const STEPS = 12;
/** Headings that are told apart: a sign of thirty pixels moves its tip by one and a half from one to the next. */
export const TURNS = 64;
const FAINT = 0.45;

/** How large signs are at a zoom, as a factor, in steps so that few pictures are needed. */
export function scaleAt(zoom: number): number {
  const exact = Math.min(1, Math.max(0.42, 0.42 + (zoom - 9) * 0.16));
  return Math.round(exact * STEPS) / STEPS;
}

/** Gives looks that are alike the same object. */
export class Wardrobe {
  private readonly looks = new Map<string, Look>();

  find(look: Look): Look {
    const { body, glyph, color, hollow, turns, size, faint } = look;
    const key = `${body}|${glyph}|${color}|${hollow}|${turns}|${size}|${faint}`;
    const known = this.looks.get(key);
    if (known) return known;
    this.looks.set(key, look);
    return look;
  }
}

export class Sprites {
  private readonly byScale = new Map<number, Map<Look, Picture[]>>();
  private pictures = new Map<Look, Picture[]>();
  private scale = 0;

  /** `ratio`: canvas pixels a CSS pixel; `lift`: how much colours are lightened, 0 to 1. */
  constructor(
    private readonly ratio: number,
    private readonly halo: string,
    private readonly lift: number,
  ) {}

  /** Sets the scale of what comes next. */
  use(scale: number): void {
    if (scale === this.scale) return;
    this.scale = scale;
    this.pictures = this.byScale.get(scale) ?? new Map();
    this.byScale.set(scale, this.pictures);
  }

  /** Gives a look's picture at a heading in degrees. */
  get(look: Look, heading: number): Picture {
    let pictures = this.pictures.get(look);
    if (!pictures) this.pictures.set(look, (pictures = this.paint(look)));
    const turn = look.turns ? Math.round((heading * TURNS) / 360) & (TURNS - 1) : 0;
    return pictures[turn] as Picture;
  }

  /** Paints all headings of a look side by side, since what is painted together is read back together. */
  private paint(look: Look): Picture[] {
    const unit = (look.size * this.scale * this.ratio) / 2;
    const side = Math.ceil(unit * 2.2) + 2;
    const turns = look.turns ? TURNS : 1;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [side * turns, side];
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    if (!pen) return Array<Picture>(turns).fill(NOTHING);
    if (look.faint) pen.globalAlpha = FAINT;
    for (let turn = 0; turn < turns; turn += 1) {
      this.paintOne(pen, look, unit, [(turn + 0.5) * side, side / 2], (turn / turns) * Math.PI * 2);
    }
    const image = readBack(pen);
    return Array.from({ length: turns }, (_, turn) => {
      const box = { left: turn * side, top: 0, right: (turn + 1) * side, bottom: side };
      return cutOut(image, canvas.width, box, (turn + 0.5) * side, side / 2);
    });
  }

  private paintOne(
    pen: CanvasRenderingContext2D,
    look: Look,
    unit: number,
    [x, y]: [number, number],
    angle: number,
  ): void {
    const color = `color-mix(in srgb, white ${this.lift * 100}%, ${look.color})`;
    pen.setTransform(unit, 0, 0, unit, x, y);
    pen.rotate(angle);
    paintBody(pen, look.body, color, this.halo, look.hollow);
    if (this.scale < GLYPH_FROM) return;
    pen.rotate(-angle);
    paintGlyph(pen, look.glyph, look.hollow ? color : '#ffffff');
  }
}
