// The signs on the map, drawn once into an atlas: bodies (which turn with the thing) and glyphs (which stay upright).
//
// A body's red channel is its surface, its green channel the line around it; a glyph uses the red channel. The shader
// gives them their colours, so that one atlas serves every layer, light and dark.

export const CELL = 128;
export const COLUMNS = 8;

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
  square: rounded(0.52, 0.18),
  diamond: polygon([0, -0.74, 0.74, 0, 0, 0.74, -0.74, 0]),
  shield: polygon([-0.56, -0.6, 0.56, -0.6, 0.56, 0.12, 0, 0.74, -0.56, 0.12]),
  dot: circle(0.3),
  ring: circle(0.84),
} satisfies Record<string, Draw>;

export type Body = keyof typeof BODIES;

/** How far each body and its halo reach to the side and up or down. */
const REACH: Record<Body, [number, number]> = {
  disc: [0.74, 0.74],
  nose: [0.74, 1],
  hull: [0.5, 1],
  square: [0.7, 0.7],
  diamond: [0.95, 0.95],
  shield: [0.75, 0.92],
  dot: [0.5, 0.5],
  ring: [1, 1],
};

/** Glyphs in a box from -1 to 1: strokes of `LINE` unless they fill. */
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
  vessel: strokes(
    [-0.28, 0.02, 0.28, 0.02, 0.18, 0.26, -0.18, 0.26, -0.28, 0.02],
    [0, 0.02, 0, -0.28, 0.16, -0.06],
  ),
  berth: strokes(
    [0, -0.3, 0, 0.28],
    [-0.14, -0.12, 0.14, -0.12],
    [-0.26, 0.08, -0.14, 0.26, 0, 0.3, 0.14, 0.26, 0.26, 0.08],
  ),
  warning: strokes([0, -0.26, 0, 0.08], [0, 0.26, 0, 0.27]),
  alert: strokes([0, -0.3, 0, 0.06], [0, 0.27, 0, 0.28]),
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

const HALO = 0.13;
const LINE = 0.11;

/** What a layer's icon looks like: its body standing still, its body under way, its glyph. */
export interface Look {
  still: Body;
  moving: Body;
  glyph: Glyph;
  size: number;
}

const LOOKS: Record<string, Look> = {
  vessel: { still: 'disc', moving: 'hull', glyph: 'none', size: 30 },
  tram: { still: 'disc', moving: 'nose', glyph: 'tram', size: 30 },
  bus: { still: 'disc', moving: 'nose', glyph: 'tram', size: 30 },
  gauge: { still: 'square', moving: 'square', glyph: 'gauge', size: 36 },
  air: { still: 'disc', moving: 'disc', glyph: 'air', size: 34 },
  stop: { still: 'disc', moving: 'disc', glyph: 'stop', size: 24 },
  berth: { still: 'square', moving: 'square', glyph: 'berth', size: 28 },
  warning: { still: 'diamond', moving: 'diamond', glyph: 'warning', size: 38 },
  alert: { still: 'diamond', moving: 'diamond', glyph: 'alert', size: 44 },
  incident: { still: 'shield', moving: 'shield', glyph: 'incident', size: 44 },
};

const ANY: Look = { still: 'disc', moving: 'nose', glyph: 'sensor', size: 30 };

export function lookOf(icon: string | null | undefined): Look {
  return LOOKS[icon ?? ''] ?? ANY;
}

const bodyNames = Object.keys(BODIES) as Body[];
const glyphNames = Object.keys(GLYPHS) as Glyph[];

/** By the order of the bodies in the atlas, for the vertex shader. */
export const EXTENTS = bodyNames.map((name) => REACH[name]);

export function bodyCell(body: Body, hollow: boolean): number {
  return bodyNames.indexOf(body) * 2 + (hollow ? 1 : 0);
}

export function glyphCell(glyph: Glyph): number {
  return bodyNames.length * 2 + glyphNames.indexOf(glyph);
}

export const ROWS = Math.ceil((bodyNames.length * 2 + glyphNames.length) / COLUMNS);

/** Draws every sign; a hollow body, with the inside of its surface left out, marks what is simulated. */
export function drawAtlas(): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = COLUMNS * CELL;
  canvas.height = ROWS * CELL;
  // Without alpha the channels are the coverage itself: nothing is premultiplied on the way to the card.
  const pen = canvas.getContext('2d', { alpha: false });
  if (!pen) throw new Error('no canvas');
  pen.globalCompositeOperation = 'lighter';
  for (const body of bodyNames) {
    drawBody(pen, body, bodyCell(body, false), 0);
    drawBody(pen, body, bodyCell(body, true), 0.17);
  }
  for (const glyph of glyphNames) {
    inCell(pen, glyphCell(glyph), () => {
      pen.strokeStyle = '#f00';
      pen.lineWidth = LINE;
      GLYPHS[glyph](pen);
      pen.stroke();
    });
  }
  return canvas;
}

function drawBody(pen: CanvasRenderingContext2D, name: Body, cell: number, rim: number): void {
  inCell(pen, cell, () => {
    BODIES[name](pen);
    if (name === 'ring') {
      drawRing(pen);
      return;
    }
    pen.strokeStyle = '#0f0';
    pen.lineWidth = HALO * 2;
    pen.stroke();
    pen.fillStyle = '#0f0';
    pen.fill();
    if (rim) {
      pen.clip();
      pen.strokeStyle = '#f00';
      pen.lineWidth = rim * 2;
      pen.stroke();
    } else {
      pen.fillStyle = '#f00';
      pen.fill();
    }
  });
}

/** The ring around what was chosen is a line with nothing inside. */
function drawRing(pen: CanvasRenderingContext2D): void {
  for (const [channel, width] of [
    ['#0f0', 0.26],
    ['#f00', 0.12],
  ] as const) {
    pen.strokeStyle = channel;
    pen.lineWidth = width;
    pen.stroke();
  }
}

function inCell(pen: CanvasRenderingContext2D, cell: number, draw: () => void): void {
  pen.save();
  pen.translate(((cell % COLUMNS) + 0.5) * CELL, (Math.floor(cell / COLUMNS) + 0.5) * CELL);
  pen.scale(CELL / 2, CELL / 2);
  pen.lineCap = pen.lineJoin = 'round';
  pen.beginPath();
  draw();
  pen.restore();
}

function circle(radius: number): Draw {
  return (pen) => pen.arc(0, 0, radius, 0, Math.PI * 2);
}

function rounded(half: number, corner: number): Draw {
  return (pen) => pen.roundRect(-half, -half, half * 2, half * 2, corner);
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
