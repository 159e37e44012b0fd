// Signs as small pictures, painted once for each look, zoom step and theme: a frame then only copies them.

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

export interface Sprite {
  body: HTMLCanvasElement;
  glyph: HTMLCanvasElement | null;
  /** Half a picture's side in canvas pixels. */
  half: number;
}

/** Below this scale a glyph would be a blot. */
const GLYPH_FROM = 0.62;
const STEPS = 12;

/** How large signs are at a zoom, as a factor, in steps so that few pictures are needed. */
export function scaleAt(zoom: number): number {
  const exact = Math.min(1, Math.max(0.42, 0.42 + (zoom - 9) * 0.16));
  return Math.round(exact * STEPS) / STEPS;
}

/** Gives looks that are alike the same object. */
export class Wardrobe {
  private readonly looks = new Map<string, Look>();

  find(look: Look): Look {
    const key = Object.values(look).join('|');
    const known = this.looks.get(key);
    if (known) return known;
    this.looks.set(key, look);
    return look;
  }
}

export class Sprites {
  private pictures = new Map<Look, Sprite>();
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
    this.pictures = new Map();
  }

  get(look: Look): Sprite {
    const known = this.pictures.get(look);
    if (known) return known;
    const painted = this.paint(look);
    this.pictures.set(look, painted);
    return painted;
  }

  private paint(look: Look): Sprite {
    const side = Math.ceil(look.size * this.scale * this.ratio * 1.1) + 2;
    const color = `color-mix(in srgb, white ${this.lift * 100}%, ${look.color})`;
    const unit = (look.size * this.scale * this.ratio) / 2;
    const body = canvas(side, unit, (pen) => paintBody(pen, look.body, color, this.halo, look.hollow));
    const shows = look.glyph !== 'none' && this.scale >= GLYPH_FROM;
    const paintSign = (pen: CanvasRenderingContext2D) =>
      paintGlyph(pen, look.glyph, look.hollow ? color : '#ffffff');
    if (shows && !look.turns) paintOnto(body, unit, paintSign);
    return { body, glyph: shows && look.turns ? canvas(side, unit, paintSign) : null, half: side / 2 };
  }
}

function canvas(
  side: number,
  unit: number,
  paint: (pen: CanvasRenderingContext2D) => void,
): HTMLCanvasElement {
  const made = document.createElement('canvas');
  made.width = made.height = side;
  paintOnto(made, unit, paint);
  return made;
}

function paintOnto(
  picture: HTMLCanvasElement,
  unit: number,
  paint: (pen: CanvasRenderingContext2D) => void,
): void {
  const pen = picture.getContext('2d');
  if (!pen) return;
  pen.setTransform(unit, 0, 0, unit, picture.width / 2, picture.height / 2);
  paint(pen);
}
