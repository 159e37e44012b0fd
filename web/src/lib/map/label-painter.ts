// Names and values as pictures: painted once with the page's own fonts, then copied.

import type { LabelWriter, Text } from './labels';
import { cutOut, NOTHING, readBack, type Picture } from './raster';

const FAMILY = '"Fira Sans", sans-serif';
const NAME = `400 11px ${FAMILY}`;
const VALUE = `600 13px ${FAMILY}`;
const LINE = 15;
const HALO = 3;
const REMEMBERED = 2000;

export class LabelPainter implements LabelWriter {
  private readonly canvas = document.createElement('canvas');
  private readonly pen = this.canvas.getContext('2d', { willReadFrequently: true });
  private readonly sizes = new Map<string, [number, number]>();
  private readonly pictures = new Map<string, Picture>();

  /** `ratio`: canvas pixels a CSS pixel. */
  constructor(
    private readonly ratio: number,
    private readonly color: string,
    private readonly halo: string,
  ) {}

  measure(text: Text): [width: number, height: number] {
    return remember(this.sizes, keyOf(text), () => {
      const lines = linesOf(text);
      const widths = lines.map(([line, font]) => {
        if (!this.pen) return 0;
        this.pen.font = font;
        return this.pen.measureText(line).width;
      });
      return [Math.ceil(Math.max(0, ...widths) + HALO * 2), lines.length * LINE + HALO];
    });
  }

  write(text: Text): Picture {
    return remember(this.pictures, keyOf(text), () => this.paint(text));
  }

  private paint(text: Text): Picture {
    const [width, height] = this.measure(text).map((side) => Math.ceil(side * this.ratio)) as [
      number,
      number,
    ];
    const { canvas, pen } = this;
    [canvas.width, canvas.height] = [width, height];
    if (!pen) return NOTHING;
    pen.scale(this.ratio, this.ratio);
    pen.lineJoin = 'round';
    pen.textBaseline = 'middle';
    linesOf(text).forEach(([line, font], index) => {
      const y = HALO / 2 + LINE * (index + 0.5);
      pen.font = font;
      pen.strokeStyle = this.halo;
      pen.lineWidth = HALO;
      pen.strokeText(line, HALO, y);
      pen.fillStyle = this.color;
      pen.fillText(line, HALO, y);
    });
    return cutOut(readBack(pen), width, { left: 0, top: 0, right: width, bottom: height }, 0, 0);
  }
}

function linesOf({ name, value }: Text): [text: string, font: string][] {
  return [
    ...(name ? [[name, NAME] as [string, string]] : []),
    ...(value ? [[value, VALUE] as [string, string]] : []),
  ];
}

function keyOf({ name, value }: Text): string {
  return `${name}\n${value}`;
}

function remember<Value>(known: Map<string, Value>, key: string, make: () => Value): Value {
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size > REMEMBERED) known.clear();
  const made = make();
  known.set(key, made);
  return made;
}
