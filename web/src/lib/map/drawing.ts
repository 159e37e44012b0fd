// What a layer's JSON means for one entity: its place, colour, heading, label. Pure.

import type { Geometry, Position } from 'geojson';
import type { Entity } from '$lib/api/entities';
import type { Layer, Severity } from '$lib/api/model';

export const SEVERITY_COLORS: Record<Severity, string> = {
  informational: '#2f7fb0',
  low: '#2c8f74',
  medium: '#b97a00',
  high: '#d1501f',
  critical: '#c31c2e',
};

/** Attributes under which the drawn place may stand, the first that is there counts. */
export function geometryOf(entity: Entity): Geometry | null {
  const location = entity['location'];
  if (typeof location !== 'object' || location === null || !('type' in location)) return null;
  return 'coordinates' in location ? (location as Geometry) : null;
}

/** A place to put a sign or look at: a point itself, or the middle of what is larger. */
export function pointOf(geometry: Geometry | null): [number, number] | null {
  if (!geometry || geometry.type === 'GeometryCollection') return null;
  if (geometry.type === 'Point') {
    const [x, y] = geometry.coordinates;
    return x === undefined || y === undefined ? null : [x, y];
  }
  const box = bounds(geometry.coordinates as Nested);
  return box && [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}

type Nested = Position | Nested[];

export function bounds(coordinates: Nested): [number, number, number, number] | null {
  let box: [number, number, number, number] | null = null;
  const visit = (part: Nested): void => {
    const [x, y] = part;
    if (typeof x === 'number' && typeof y === 'number') {
      box = box
        ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)]
        : [x, y, x, y];
    } else {
      for (const each of part as Nested[]) visit(each);
    }
  };
  visit(coordinates);
  return box;
}

export function colorOf(layer: Layer, entity: Entity): string {
  const by = layer.color_by;
  return (by && by.colors[String(entity[by.attribute])]) ?? layer.color;
}

/** Degrees clockwise from north, or null where it is not known. */
export function headingOf(layer: Layer, entity: Entity): number | null {
  for (const name of layer.rotate ?? []) {
    const value = entity[name];
    if (typeof value === 'number') return value;
  }
  return null;
}

export function isSimulated(entity: Entity): boolean {
  return entity['simulated'] === true;
}

const OVER = new Set(['ended', 'resolved', 'closed', 'expired']);

/** A warning, alert or incident that no longer holds is not drawn. */
export function isOver(entity: Entity, now: Date): boolean {
  if (OVER.has(String(entity['status'] ?? '').toLowerCase())) return true;
  const until = entity['validTo'];
  const text = typeof until === 'object' && until !== null && '@value' in until ? until['@value'] : until;
  return typeof text === 'string' && new Date(text).getTime() < now.getTime();
}
