// What the map shows when it opens: known before MapLibre is loaded, so that the first queries need not wait for it.

import type { Box } from '$lib/api/geometry';
import type { City } from '$lib/api/model';
import { project, unproject } from './points';

type Beginning = Pick<City, 'centre' | 'bbox' | 'zoom'>;

/** Where the map begins: as the city says, else amid its area, else at the mouth of the Ruhr. */
export function centreOf({ centre, bbox }: Pick<City, 'centre' | 'bbox'>): [number, number] {
  if (centre) return centre;
  return bbox ? [(bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2] : [6.745, 51.447];
}

/** Whether a map is where the city begins, as nearly as one can see. */
export function isAtHome(city: Beginning, place: { centre: [number, number]; zoom: number }): boolean {
  const [longitude, latitude] = centreOf(city);
  const near = 2 / 2 ** city.zoom;
  return (
    Math.abs(place.zoom - city.zoom) < 0.01 &&
    Math.abs(place.centre[0] - longitude) < near &&
    Math.abs(place.centre[1] - latitude) < near
  );
}

/** Returns what a map of so many CSS pixels has in view at first. */
export function firstView(city: Beginning, width: number, height: number): { box: Box; zoom: number } {
  const [x, y] = project(...centreOf(city));
  const size = 512 * 2 ** city.zoom;
  const [west, north] = unproject(x - width / 2 / size, y - height / 2 / size);
  const [east, south] = unproject(x + width / 2 / size, y + height / 2 / size);
  return { box: [west, south, east, north], zoom: city.zoom };
}
