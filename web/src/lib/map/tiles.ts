// A tile server's map instead of the bundled base map: raster tiles as they come, vector tiles in our own quiet colours.
//
// Vector tiles are understood in the three schemas that open servers use: OpenMapTiles, Shortbread and Protomaps. What a
// schema does not have simply is not drawn.

import type { ExpressionSpecification, LayerSpecification, SourceSpecification } from 'maplibre-gl';
import type { Shade } from '$lib/ui/theme.svelte';
import type { Palette } from './palette';

const WATER = ['water', 'water_polygons', 'ocean'];
const GREEN = ['landcover', 'landuse', 'park'];
const ROADS = ['transportation', 'streets', 'roads'];
const BUILDINGS = ['building', 'buildings'];

export const TILES = 'tiles';

/** Whether an address (`…/{z}/{x}/{y}.pbf`) is one of vector tiles. */
export function isVector(tilesUrl: string): boolean {
  return /\.(pbf|mvt)(\?|$)/.test(tilesUrl);
}

export function tileSource(tilesUrl: string): SourceSpecification {
  return isVector(tilesUrl)
    ? { type: 'vector', tiles: [tilesUrl], maxzoom: 14 }
    : { type: 'raster', tiles: [tilesUrl], tileSize: 256 };
}

export function tileLayers(tilesUrl: string, palette: Palette, shade: Shade): LayerSpecification[] {
  if (!isVector(tilesUrl)) return [rasterLayer(shade)];
  return [
    ...GREEN.map((layer) => fill(layer, palette.floodplain, 0.55)),
    ...WATER.map((layer) => fill(layer, palette.river, 1)),
    ...BUILDINGS.map((layer) => fill(layer, palette.quarter, 0.9, 13)),
    ...ROADS.map((layer) => roads(layer, palette.district)),
  ];
}

function fill(layer: string, color: string, opacity: number, minzoom = 0): LayerSpecification {
  return {
    id: `tiles-${layer}`,
    type: 'fill',
    source: TILES,
    'source-layer': layer,
    minzoom,
    filter: ['in', ['geometry-type'], ['literal', ['Polygon', 'MultiPolygon']]],
    paint: { 'fill-color': color, 'fill-opacity': opacity },
  };
}

function roads(layer: string, color: string): LayerSpecification {
  return {
    id: `tiles-${layer}`,
    type: 'line',
    source: TILES,
    'source-layer': layer,
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': color, 'line-width': roadWidth() },
  };
}

/** Main roads are wider; each schema has a word of its own for the kind. */
function roadWidth(): ExpressionSpecification {
  const kind: ExpressionSpecification = ['coalesce', ['get', 'class'], ['get', 'kind'], ''];
  const isMain: ExpressionSpecification = [
    'in',
    kind,
    ['literal', ['motorway', 'trunk', 'primary', 'highway', 'major_road', 'secondary']],
  ];
  return [
    'interpolate',
    ['exponential', 1.6],
    ['zoom'],
    9,
    ['case', isMain, 0.8, 0.1],
    16,
    ['case', isMain, 9, 4],
  ];
}

function rasterLayer(shade: Shade): LayerSpecification {
  const dark = shade === 'dark';
  return {
    id: 'tiles-raster',
    type: 'raster',
    source: TILES,
    paint: {
      'raster-saturation': -0.75,
      'raster-opacity': dark ? 0.35 : 0.75,
      'raster-brightness-max': dark ? 0.6 : 1,
    },
  };
}
