// Placement of labels beside symbols: only in view, without overlaps, no more than can be read.

import type { Box, Picture } from './raster';

export interface Text {
  name: string;
  value: string;
}

/** A label that wants a place: which thing, where on the screen, how far from it, and how much it matters. */
export interface LabelRequest extends Text {
  id: string;
  x: number;
  y: number;
  distance: number;
  order: number;
}

/** A label that has its place, relative to its thing. */
export interface Placed {
  picture: Picture;
  dx: number;
  dy: number;
}

/** Writes labels: how large one would be, in CSS pixels, and what it looks like. */
export interface LabelWriter {
  measure(text: Text): [width: number, height: number];
  write(text: Text): Picture;
}

export const MOST = 150;

/** Places labels, the most important first; one without space is left out. */
export function place(labelRequests: LabelRequest[], writer: LabelWriter): Map<string, Placed> {
  const taken: Box[] = [];
  const placed = new Map<string, Placed>();
  for (const request of labelRequests.sort((a, b) => b.order - a.order)) {
    if (placed.size >= MOST) break;
    const [width, height] = writer.measure(request);
    const spots = [
      [request.distance, -height / 2],
      [-request.distance - width, -height / 2],
      [-width / 2, request.distance],
      [-width / 2, -request.distance - height],
    ] as const;
    for (const [dx, dy] of spots) {
      const [left, top] = [request.x + dx, request.y + dy];
      const box = { left, top, right: left + width, bottom: top + height };
      if (taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      placed.set(request.id, { picture: writer.write(request), dx, dy });
      break;
    }
  }
  return placed;
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
