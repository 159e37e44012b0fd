// The signs on the map as outlines: bodies, which turn with the thing, and glyphs, which stay upright.

type Draw = (pen: CanvasRenderingContext2D) => void;

/** Bodies in a box from -1 to 1, bow up. */
const BODIES = {
  disc: circle(0.56),
  nose: (pen) => {
    pen.arc(0, 0.08, 0.54, Math.PI * 1.22, Math.PI * 1.78, true);
    pen.lineTo(0, -0.84);
    pen.closePath();
  },
  hull: polygon([
    0, -0.86, 0.29, -0.46, 0.33, -0.18, 0.33, 0.74, 0.24, 0.84, -0.24, 0.84, -0.33, 0.74, -0.33, -0.18, -0.29,
    -0.46,
  ]),
  square: (pen) => pen.roundRect(-0.52, -0.52, 1.04, 1.04, 0.18),
  diamond: polygon([0, -0.74, 0.74, 0, 0, 0.74, -0.74, 0]),
  shield: polygon([-0.56, -0.6, 0.56, -0.6, 0.56, 0.12, 0, 0.74, -0.56, 0.12]),
} satisfies Record<string, Draw>;

export type Body = keyof typeof BODIES;

/** Glyphs in a box from -1 to 1, as strokes. */
const GLYPHS = {
  none: () => {},
  gauge: strokes(
    [-0.28, -0.12, -0.14, -0.24, 0, -0.12, 0.14, 0, 0.28, -0.12],
    [-0.28, 0.14, -0.14, 0.02, 0, 0.14, 0.14, 0.26, 0.28, 0.14],
  ),
  air: strokes(
    [-0.3, -0.12, 0.12, -0.12, 0.2, -0.2, 0.12, -0.28],
    [-0.3, 0.06, 0.26, 0.06],
    [-0.3, 0.24, 0.06, 0.24, 0.14, 0.32],
  ),
  tram: (pen) => {
    pen.roundRect(-0.22, -0.3, 0.44, 0.5, 0.08);
    line(pen, [-0.22, -0.02, 0.22, -0.02]);
    line(pen, [-0.16, 0.34, -0.08, 0.2]);
    line(pen, [0.16, 0.34, 0.08, 0.2]);
  },
  stop: strokes([-0.16, -0.26, -0.16, 0.26], [0.16, -0.26, 0.16, 0.26], [-0.16, 0, 0.16, 0]),
  berth: strokes(
    [0, -0.3, 0, 0.28],
    [-0.14, -0.12, 0.14, -0.12],
    [-0.26, 0.08, -0.14, 0.26, 0, 0.3, 0.14, 0.26, 0.26, 0.08],
  ),
  warning: strokes([0, -0.28, 0, 0.06], [0, 0.26, 0, 0.27]),
  incident: strokes([-0.2, -0.24, 0.2, -0.24], [-0.2, -0.02, 0.2, -0.02], [-0.2, 0.2, 0.06, 0.2]),
  sensor: (pen) => {
    pen.moveTo(0.08, 0);
    pen.arc(0, 0, 0.08, 0, Math.PI * 2);
    pen.moveTo(0.2, -0.2);
    pen.arc(0, 0, 0.28, -Math.PI / 4, Math.PI / 4);
    pen.moveTo(-0.2, 0.2);
    pen.arc(0, 0, 0.28, Math.PI * 0.75, Math.PI * 1.25);
  },
} satisfies Record<string, Draw>;

export type Glyph = keyof typeof GLYPHS;

/** What a layer's icon looks like: its body standing still and under way, its glyph, its size in pixels. */
export interface Shape {
  still: Body;
  moving: Body;
  glyph: Glyph;
  size: number;
}

const SHAPES: Record<string, Shape> = {
  vessel: { still: 'disc', moving: 'hull', glyph: 'none', size: 30 },
  tram: { still: 'disc', moving: 'nose', glyph: 'tram', size: 30 },
  bus: { still: 'disc', moving: 'nose', glyph: 'tram', size: 30 },
  gauge: { still: 'square', moving: 'square', glyph: 'gauge', size: 36 },
  air: { still: 'disc', moving: 'disc', glyph: 'air', size: 34 },
  stop: { still: 'disc', moving: 'disc', glyph: 'stop', size: 24 },
  berth: { still: 'square', moving: 'square', glyph: 'berth', size: 28 },
  warning: { still: 'diamond', moving: 'diamond', glyph: 'warning', size: 38 },
  alert: { still: 'diamond', moving: 'diamond', glyph: 'warning', size: 44 },
  incident: { still: 'shield', moving: 'shield', glyph: 'incident', size: 44 },
};

const ANY: Shape = { still: 'disc', moving: 'nose', glyph: 'sensor', size: 30 };

export function shapeOf(icon: string | null | undefined): Shape {
  return SHAPES[icon ?? ''] ?? ANY;
}

const HALO = 0.26;
const RIM = 0.34;
const LINE = 0.11;

/** Paints a body around the origin; a hollow one, a rim around nothing, marks what is simulated. */
export function paintBody(
  pen: CanvasRenderingContext2D,
  body: Body,
  color: string,
  halo: string,
  hollow: boolean,
): void {
  pen.lineJoin = 'round';
  pen.beginPath();
  BODIES[body](pen);
  pen.strokeStyle = halo;
  pen.fillStyle = hollow ? halo : color;
  pen.lineWidth = HALO;
  pen.stroke();
  pen.fill();
  if (!hollow) return;
  pen.save();
  pen.clip();
  pen.strokeStyle = color;
  pen.lineWidth = RIM;
  pen.stroke();
  pen.restore();
}

export function paintGlyph(pen: CanvasRenderingContext2D, glyph: Glyph, color: string): void {
  pen.lineCap = pen.lineJoin = 'round';
  pen.strokeStyle = color;
  pen.lineWidth = LINE;
  pen.beginPath();
  GLYPHS[glyph](pen);
  pen.stroke();
}

function circle(radius: number): Draw {
  return (pen) => pen.arc(0, 0, radius, 0, Math.PI * 2);
}

function polygon(points: number[]): Draw {
  return (pen) => {
    line(pen, points);
    pen.closePath();
  };
}

function strokes(...all: number[][]): Draw {
  return (pen) => all.forEach((points) => line(pen, points));
}

function line(pen: CanvasRenderingContext2D, points: number[]): void {
  pen.moveTo(points[0] ?? 0, points[1] ?? 0);
  for (let i = 2; i + 1 < points.length; i += 2) pen.lineTo(points[i] ?? 0, points[i + 1] ?? 0);
}
