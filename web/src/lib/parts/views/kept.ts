// What somebody sees of the map, kept in the browser and in the address: the layers that differ from how they are at first,
// and where the map is. Pure.

import type { Layer } from '$lib/api/model';

export interface MapPlace {
  centre: [number, number];
  zoom: number;
}

type Parameters = Pick<URLSearchParams, 'get'>;

/** Returns which layers are shown: by a list of ids where there is one, else as each layer says. */
export function visibleBy(layers: readonly Layer[], ids: string | null): Record<string, boolean> {
  const listed = ids?.split(',');
  return Object.fromEntries(layers.map((layer) => [layer.id, listed?.includes(layer.id) ?? layer.visible]));
}

/** Returns where the map is, from `longitude,latitude,zoom`; null where that is none. */
export function placeBy(text: string | null): MapPlace | null {
  const numbers = text ? text.split(',').map(Number) : [];
  const [longitude, latitude, zoom] = numbers;
  if (longitude === undefined || latitude === undefined || zoom === undefined || numbers.length !== 3)
    return null;
  const isThere = Math.abs(longitude) <= 180 && Math.abs(latitude) <= 85 && zoom >= 0 && zoom <= 22;
  return isThere ? { centre: [longitude, latitude], zoom } : null;
}

/** Returns what the address says of a view: nothing of what is as at first. */
export function describe(
  layers: readonly Layer[],
  visible: Readonly<Record<string, boolean>>,
  place: MapPlace | null,
): Record<string, string> {
  const differs = layers.some((layer) => Boolean(visible[layer.id]) !== layer.visible);
  const shown = layers.filter((layer) => visible[layer.id]).map((layer) => layer.id);
  const [longitude, latitude] = place?.centre ?? [];
  return {
    ...(differs ? { layers: shown.join(',') } : {}),
    ...(place ? { view: `${longitude?.toFixed(5)},${latitude?.toFixed(5)},${place.zoom.toFixed(2)}` } : {}),
  };
}

/** Returns the parameters of an address that has any of a view, else those that the browser kept. */
export function chosenParameters(address: URLSearchParams, kept: string | null): Parameters {
  return address.has('view') || address.has('layers') ? address : new URLSearchParams(kept ?? '');
}
