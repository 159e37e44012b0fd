// Where entities are: their geometry, its bounds, and boxes of degrees (west, south, east, north). Pure.

import type { Geometry, Position } from 'geojson';
import type { Entity } from './entities';

export type Box = [west: number, south: number, east: number, north: number];
type Nested = Position | Nested[];

export function geometryOf(entity: Entity): Geometry | null {
  const location = entity['location'];
  if (typeof location !== 'object' || location === null || !('type' in location)) return null;
  return 'coordinates' in location ? (location as Geometry) : null;
}

/** Returns a point itself, or the middle of what is larger. */
export function pointOf(geometry: Geometry | null): [number, number] | null {
  if (!geometry || geometry.type === 'GeometryCollection') return null;
  if (geometry.type === 'Point') {
    const [x, y] = geometry.coordinates;
    return x === undefined || y === undefined ? null : [x, y];
  }
  const box = bounds(geometry.coordinates as Nested);
  return box && [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}

export function bounds(coordinates: Nested): Box | null {
  let box: Box | null = null;
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

/** Returns whether an entity lies in a box, at least with its bounds. */
export function isWithin(entity: Entity, box: Box): boolean {
  const geometry = geometryOf(entity);
  if (!geometry || geometry.type === 'GeometryCollection') return false;
  const own = bounds(geometry.coordinates as Nested);
  return own !== null && own[0] <= box[2] && own[2] >= box[0] && own[1] <= box[3] && own[3] >= box[1];
}

/** Returns a box with a margin on each side, given as a share of its size, within the world. */
export function withMargin([west, south, east, north]: Box, share: number): Box {
  const [x, y] = [(east - west) * share, (north - south) * share];
  return [
    Math.max(-180, west - x),
    Math.max(-90, south - y),
    Math.min(180, east + x),
    Math.min(90, north + y),
  ];
}

export function contains(outer: Box, inner: Box): boolean {
  return outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
}

export function area([west, south, east, north]: Box): number {
  return (east - west) * (north - south);
}

/** Returns the query parameters for what lies in a box (ETSI GS CIM 009, 4.10). */
export function geoQuery([west, south, east, north]: Box): Record<string, string> {
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return { georel: 'intersects', geometry: 'Polygon', coordinates: JSON.stringify([ring]) };
}
