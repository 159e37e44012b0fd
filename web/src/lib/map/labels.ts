// Names and values beside the signs: only of what is in view, and no more than a person can read.

import type { Feature, FeatureCollection, Point } from 'geojson';
import type { LayerSpecification } from 'maplibre-gl';
import { FONT, FONT_STRONG } from './basemap';
import type { Palette } from './palette';

export const LABELS = 'labels';
export const MOST = 250;

export interface Label {
  longitude: number;
  latitude: number;
  name: string;
  value: string;
  /** Which labels give way first: the larger one. */
  order: number;
  /** How far from the sign, in text heights. */
  offset: number;
}

export function labelLayer(palette: Palette): LayerSpecification {
  return {
    id: LABELS,
    type: 'symbol',
    source: LABELS,
    layout: {
      'text-field': [
        'format',
        ['get', 'name'],
        { 'font-scale': 0.86, 'text-font': ['literal', FONT] },
        ['get', 'break'],
        {},
        ['get', 'value'],
        { 'text-font': ['literal', FONT_STRONG] },
      ],
      'text-font': FONT,
      'text-size': 12.5,
      'text-line-height': 1.15,
      'text-variable-anchor': ['left', 'right', 'bottom', 'top'],
      'text-justify': 'auto',
      'text-radial-offset': ['get', 'offset'],
      'text-padding': 3,
      'symbol-sort-key': ['get', 'order'],
    },
    paint: { ...labelPaint(palette) },
  };
}

export function labelPaint(palette: Palette): Record<string, unknown> {
  return { 'text-color': palette.label, 'text-halo-color': palette.halo, 'text-halo-width': 1.8 };
}

export function labelFeatures(labels: Label[]): FeatureCollection<Point> {
  const features: Feature<Point>[] = labels
    .sort((a, b) => a.order - b.order)
    .slice(0, MOST)
    .map((label) => ({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [label.longitude, label.latitude] },
      properties: {
        name: label.name,
        break: label.name && label.value ? '\n' : '',
        value: label.value,
        order: label.order,
        offset: label.offset,
      },
    }));
  return { type: 'FeatureCollection', features };
}
