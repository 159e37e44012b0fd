// Map symbols as small pictures, painted once for each style, heading, zoom step and theme: a frame then only copies them.

import { cutOut, NOTHING, readBack, type Picture } from './raster';
import { paintBody, paintGlyph, type Body, type Glyph } from './shapes';

/** How one thing is drawn. Styles are shared: things that are drawn alike have the very same one. */
export interface SymbolStyle {
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
/** Headings that are distinguished: a symbol of thirty pixels moves its tip by one and a half from one to the next. */
export const TURNS = 64;
const FAINT = 0.45;

/** How large symbols are at a zoom, as a factor, in steps so that few pictures are needed. */
export function scaleAt(zoom: number): number {
  const exact = Math.min(1, Math.max(0.42, 0.42 + (zoom - 9) * 0.16));
  return Math.round(exact * STEPS) / STEPS;
}

/** Returns the same object for equal styles. */
export class StyleCache {
  private readonly styles = new Map<string, SymbolStyle>();

  find(style: SymbolStyle): SymbolStyle {
    const { body, glyph, color, hollow, turns, size, faint } = style;
    const key = `${body.key}|${glyph.key}|${color}|${hollow}|${turns}|${size}|${faint}`;
    const known = this.styles.get(key);
    if (known) return known;
    this.styles.set(key, style);
    return style;
  }
}

export class Sprites {
  private readonly byScale = new Map<number, Map<SymbolStyle, Picture[]>>();
  private pictures = new Map<SymbolStyle, Picture[]>();
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

  /** Returns a style's picture at a heading in degrees. */
  get(style: SymbolStyle, heading: number): Picture {
    let pictures = this.pictures.get(style);
    if (!pictures) this.pictures.set(style, (pictures = this.paint(style)));
    const turn = style.turns ? Math.round((heading * TURNS) / 360) & (TURNS - 1) : 0;
    return pictures[turn] as Picture;
  }

  /** Paints all headings of a style side by side, since what is painted together is read back together. */
  private paint(style: SymbolStyle): Picture[] {
    const unit = (style.size * this.scale * this.ratio) / 2;
    const side = Math.ceil(unit * 2.2) + 2;
    const turns = style.turns ? TURNS : 1;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [side * turns, side];
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    if (!pen) return Array<Picture>(turns).fill(NOTHING);
    if (style.faint) pen.globalAlpha = FAINT;
    for (let turn = 0; turn < turns; turn += 1) {
      this.paintOne(pen, style, unit, [(turn + 0.5) * side, side / 2], (turn / turns) * Math.PI * 2);
    }
    const image = readBack(pen);
    return Array.from({ length: turns }, (_, turn) => {
      const box = { left: turn * side, top: 0, right: (turn + 1) * side, bottom: side };
      return cutOut(image, canvas.width, box, (turn + 0.5) * side, side / 2);
    });
  }

  private paintOne(
    pen: CanvasRenderingContext2D,
    style: SymbolStyle,
    unit: number,
    [x, y]: [number, number],
    angle: number,
  ): void {
    const color = `color-mix(in srgb, white ${this.lift * 100}%, ${style.color})`;
    pen.setTransform(unit, 0, 0, unit, x, y);
    pen.rotate(angle);
    paintBody(pen, style.body, color, this.halo, style.hollow);
    if (this.scale < GLYPH_FROM) return;
    pen.rotate(-angle);
    paintGlyph(pen, style.glyph, style.hollow ? color : '#ffffff');
  }
}
