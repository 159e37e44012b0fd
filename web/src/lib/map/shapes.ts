// Map symbols as outlines: bodies, which turn with the thing, and glyphs, which stay upright. The core has neutral ones;
// those of packs come from the server as path data that was checked there.

import type { components } from '$lib/api/schema';

export type Icon = components['schemas']['Icon'];

/** An outline in a box from -1 to 1, bow up; `key` tells it from others. */
export interface Body {
  key: string;
  path: Path2D;
}

/** Lines and areas in a box from -1 to 1; `width` 0: the area is filled. */
export interface Glyph {
  key: string;
  lines: { path: Path2D; width: number }[];
}

/** How an icon is drawn: its body standing still and under way, its glyph, its size in pixels. */
export interface Shape {
  still: Body;
  moving: Body;
  glyph: Glyph;
  size: number;
}

type Draw = (path: Path2D) => void;

const BODIES = {
  disc: (path) => path.arc(0, 0, 0.56, 0, Math.PI * 2),
  arrow: (path) => {
    path.arc(0, 0.08, 0.54, Math.PI * 1.22, Math.PI * 1.78, true);
    path.lineTo(0, -0.84);
    path.closePath();
  },
  diamond: polygon([0, -0.74, 0.74, 0, 0, 0.74, -0.74, 0]),
  shield: polygon([-0.56, -0.6, 0.56, -0.6, 0.56, 0.12, 0, 0.74, -0.56, 0.12]),
} satisfies Record<string, Draw>;

const GLYPHS = {
  warning: strokes([0, -0.28, 0, 0.06], [0, 0.26, 0, 0.27]),
  list: strokes([-0.2, -0.24, 0.2, -0.24], [-0.2, -0.02, 0.2, -0.02], [-0.2, 0.2, 0.06, 0.2]),
  sensor: (path) => {
    path.moveTo(0.08, 0);
    path.arc(0, 0, 0.08, 0, Math.PI * 2);
    path.moveTo(0.2, -0.2);
    path.arc(0, 0, 0.28, -Math.PI / 4, Math.PI / 4);
    path.moveTo(-0.2, 0.2);
    path.arc(0, 0, 0.28, Math.PI * 0.75, Math.PI * 1.25);
  },
} satisfies Record<string, Draw>;

/** The core's icons: body, glyph, size. */
const CORE: Record<string, [keyof typeof BODIES, keyof typeof GLYPHS, number]> = {
  warning: ['diamond', 'warning', 38],
  alert: ['diamond', 'warning', 44],
  incident: ['shield', 'list', 44],
};

const HALO = 0.26;
const RIM = 0.34;
const LINE = 0.11;

/** The icons that layers may name. */
export class IconSet {
  private readonly shapes = new Map<string, Shape>();
  private readonly bodies: Record<keyof typeof BODIES, Body>;
  private readonly any: Shape;

  constructor(icons: Icon[]) {
    this.bodies = Object.fromEntries(
      Object.entries(BODIES).map(([key, draw]) => [key, { key, path: drawn(draw) }]),
    ) as Record<keyof typeof BODIES, Body>;
    this.any = { ...this.bare(), glyph: ownGlyph('sensor'), size: 30 };
    for (const [name, [body, glyph, size]] of Object.entries(CORE)) {
      const own = this.bodies[body];
      this.shapes.set(name, { still: own, moving: own, glyph: ownGlyph(glyph), size });
    }
    for (const icon of icons) this.shapes.set(icon.name, this.shapeOf(icon));
  }

  /** Returns the icon of that name; one that is not known is drawn as a sensor. */
  get(name: string | null | undefined): Shape {
    return this.shapes.get(name ?? '') ?? this.any;
  }

  private bare(): Pick<Shape, 'still' | 'moving'> {
    return { still: this.bodies.disc, moving: this.bodies.arrow };
  }

  private shapeOf({ name, size, view_box, outlines }: Icon): Shape {
    const [left, top, width, height] = view_box;
    const scale = 2 / Math.max(width, height);
    const place = new DOMMatrix([
      scale,
      0,
      0,
      scale,
      -scale * (left + width / 2),
      -scale * (top + height / 2),
    ]);
    const placed = (data: string) => {
      const path = new Path2D();
      path.addPath(new Path2D(data), place);
      return path;
    };
    const body = new Path2D();
    const own = outlines.filter((outline) => outline.part === 'body');
    for (const outline of own) body.addPath(placed(outline.path));
    const lines = outlines
      .filter((outline) => outline.part === 'glyph')
      .map((outline) => ({ path: placed(outline.path), width: outline.stroke_width * scale }));
    const bodies = own.length
      ? { still: { key: name, path: body }, moving: { key: name, path: body } }
      : this.bare();
    return { ...bodies, glyph: { key: name, lines }, size };
  }

  /** Returns the body of something that turns but whose heading is not known. */
  get unknownHeading(): Body {
    return this.bodies.disc;
  }
}

/** Paints a body around the origin; a hollow one, a rim around nothing, marks what is simulated. */
export function paintBody(
  pen: CanvasRenderingContext2D,
  body: Body,
  color: string,
  halo: string,
  hollow: boolean,
): void {
  pen.lineJoin = 'round';
  pen.strokeStyle = halo;
  pen.fillStyle = hollow ? halo : color;
  pen.lineWidth = HALO;
  pen.stroke(body.path);
  pen.fill(body.path);
  if (!hollow) return;
  pen.save();
  pen.clip(body.path);
  pen.strokeStyle = color;
  pen.lineWidth = RIM;
  pen.stroke(body.path);
  pen.restore();
}

export function paintGlyph(pen: CanvasRenderingContext2D, glyph: Glyph, color: string): void {
  pen.lineCap = pen.lineJoin = 'round';
  pen.strokeStyle = pen.fillStyle = color;
  for (const { path, width } of glyph.lines) {
    pen.lineWidth = width;
    if (width) pen.stroke(path);
    else pen.fill(path);
  }
}

function ownGlyph(key: keyof typeof GLYPHS): Glyph {
  return { key, lines: [{ path: drawn(GLYPHS[key]), width: LINE }] };
}

function drawn(draw: Draw): Path2D {
  const path = new Path2D();
  draw(path);
  return path;
}

function polygon(points: number[]): Draw {
  return (path) => {
    line(path, points);
    path.closePath();
  };
}

function strokes(...all: number[][]): Draw {
  return (path) => all.forEach((points) => line(path, points));
}

function line(path: Path2D, points: number[]): void {
  path.moveTo(points[0] ?? 0, points[1] ?? 0);
  for (let i = 2; i + 1 < points.length; i += 2) path.lineTo(points[i] ?? 0, points[i + 1] ?? 0);
}
