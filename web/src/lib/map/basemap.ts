// The bundled base map: boundaries, the Rhine at its true width, its floodplain and kilometres, railway stations.

import type {
  ExpressionSpecification,
  LayerSpecification,
  SourceSpecification,
  StyleSpecification,
} from 'maplibre-gl';
import { PALETTES, type Palette } from './palette';
import { TILES, tileLayers, tileSource } from './tiles';
import type { Shade } from '$lib/ui/theme.svelte';

export const FONT = ['Fira Sans Regular'];
export const FONT_STRONG = ['Fira Sans Medium'];

const GEO = {
  city: ['odbl-1.0/city', '© OpenStreetMap contributors (ODbL)'],
  districts: ['odbl-1.0/districts', ''],
  quarters: ['odbl-1.0/quarters', ''],
  places: ['odbl-1.0/places', ''],
  counties: ['dl-de-by-2.0/counties', '© GeoBasis-DE / BKG 2019 (dl-de/by-2-0)'],
  countyLabels: ['dl-de-by-2.0/county-labels', ''],
  rhine: ['gpl-2.0/rhine', 'BfG (GPL-2)'],
  floodplain: ['gpl-2.0/floodplain', ''],
  kilometres: ['gpl-2.0/kilometres', ''],
  stations: ['cc-by-4.0/stations', 'Deutsche Bahn (CC BY 4.0)'],
} as const;

/** The Lower Rhine is about 350 m wide here; a pixel of zoom 0 spans 48,830 m at this latitude. */
const RIVER_PX_AT_0 = 350 / 48_830;

export function baseStyle(shade: Shade, tilesUrl: string | null): StyleSpecification {
  const palette = PALETTES[shade];
  const sources: Record<string, SourceSpecification> = Object.fromEntries(
    Object.entries(GEO).map(([name, [file, attribution]]) => [
      name,
      {
        type: 'geojson' as const,
        data: new URL(`geo/${file}.geojson`, document.baseURI).href,
        ...(attribution ? { attribution } : {}),
      },
    ]),
  );
  if (tilesUrl) sources[TILES] = tileSource(tilesUrl);
  return { version: 8, sources, layers: layers(palette, shade, tilesUrl) };
}

/** Returns each paint property of the base map in the other shade, to change colours without a reload. */
export function repaint(
  shade: Shade,
  tilesUrl: string | null,
): [layer: string, property: string, value: unknown][] {
  return layers(PALETTES[shade], shade, tilesUrl).flatMap((layer) =>
    Object.entries(layer.paint ?? {}).map(
      ([property, value]) => [layer.id, property, value] as [string, string, unknown],
    ),
  );
}

/** The tiles lie on the land and below the river and everything that is named. */
function layers(palette: Palette, shade: Shade, tilesUrl: string | null): LayerSpecification[] {
  const [land, water] = [ground(palette), river(palette)];
  const tiles = tilesUrl ? tileLayers(tilesUrl, palette, shade) : [];
  return [...land, ...tiles, ...water, ...lines(palette), ...labels(palette)];
}

function ground(palette: Palette): LayerSpecification[] {
  return [
    { id: 'outside', type: 'background', paint: { 'background-color': palette.outside } },
    {
      id: 'county-line',
      type: 'line',
      source: 'counties',
      paint: { 'line-color': palette.county, 'line-width': 1 },
    },
    { id: 'land', type: 'fill', source: 'city', paint: { 'fill-color': palette.land } },
  ];
}

function river(palette: Palette): LayerSpecification[] {
  return [
    {
      id: 'floodplain',
      type: 'fill',
      source: 'floodplain',
      paint: { 'fill-color': palette.floodplain, 'fill-opacity': 0.9 },
    },
    {
      id: 'quarter-line',
      type: 'line',
      source: 'quarters',
      minzoom: 11.5,
      paint: { 'line-color': palette.quarter, 'line-width': 1 },
    },
    {
      id: 'district-line',
      type: 'line',
      source: 'districts',
      paint: { 'line-color': palette.district, 'line-width': 1.2 },
    },
    {
      id: 'river-edge',
      type: 'line',
      source: 'rhine',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': palette.riverEdge, 'line-width': riverWidth(1.06) },
    },
    {
      id: 'river',
      type: 'line',
      source: 'rhine',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': palette.river, 'line-width': riverWidth(1) },
    },
  ];
}

function lines(palette: Palette): LayerSpecification[] {
  return [
    {
      id: 'city-line',
      type: 'line',
      source: 'city',
      paint: {
        'line-color': palette.cityEdge,
        'line-width': ['interpolate', ['linear'], ['zoom'], 9, 1.2, 13, 2],
      },
    },
    {
      id: 'station-dot',
      type: 'circle',
      source: 'stations',
      minzoom: 10.5,
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 10, 1.6, 14, 3.2],
        'circle-color': palette.land,
        'circle-stroke-color': palette.station,
        'circle-stroke-width': 1.3,
      },
    },
  ];
}

function labels(palette: Palette): LayerSpecification[] {
  const halo = { 'text-halo-color': palette.halo, 'text-halo-width': 1.4 };
  return [
    {
      id: 'kilometre-label',
      type: 'symbol',
      source: 'kilometres',
      minzoom: 10.5,
      filter: ['any', ['get', 'five'], ['>=', ['zoom'], 12.5]],
      layout: {
        'text-field': ['concat', 'km ', ['to-string', ['get', 'km']]],
        'text-font': FONT,
        'text-size': 10.5,
      },
      paint: { 'text-color': palette.riverText, 'text-halo-color': palette.river, 'text-halo-width': 1 },
    },
    {
      id: 'river-label',
      type: 'symbol',
      source: 'rhine',
      layout: {
        'symbol-placement': 'line',
        'symbol-spacing': 420,
        'text-field': 'Rhein',
        'text-font': FONT_STRONG,
        'text-size': ['interpolate', ['linear'], ['zoom'], 9, 11, 13, 14],
        'text-letter-spacing': 0.18,
      },
      paint: { 'text-color': palette.riverText, 'text-halo-color': palette.river, 'text-halo-width': 1.2 },
    },
    {
      id: 'station-label',
      type: 'symbol',
      source: 'stations',
      minzoom: 11.5,
      filter: ['any', ['<=', ['get', 'category'], 2], ['>=', ['zoom'], 13]],
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 11,
        'text-anchor': 'top',
        'text-offset': [0, 0.5],
      },
      paint: { 'text-color': palette.station, ...halo },
    },
    placeLabels('quarter-label', 'places', 'quarter', 12.2, [11, 12], palette.placeFaint, halo),
    placeLabels('district-label', 'places', 'district', 9.5, [11.5, 15], palette.place, halo),
    placeLabels('county-label', 'countyLabels', 'county', 7.5, [11, 14], palette.placeFaint, {
      'text-halo-color': palette.outside,
      'text-halo-width': 1.2,
    }),
  ];
}

function placeLabels(
  id: string,
  source: string,
  kind: string,
  minzoom: number,
  [small, large]: [number, number],
  color: string,
  halo: Record<string, unknown>,
): LayerSpecification {
  return {
    id,
    type: 'symbol',
    source,
    minzoom,
    filter: ['==', ['get', 'kind'], kind],
    layout: {
      'text-field': ['get', 'name'],
      'text-font': kind === 'district' ? FONT_STRONG : FONT,
      'text-size': ['interpolate', ['linear'], ['zoom'], 10, small, 14, large],
      'text-letter-spacing': kind === 'district' ? 0.06 : 0.02,
      'text-max-width': 8,
    },
    paint: { 'text-color': color, ...halo },
  };
}

function riverWidth(factor: number): ExpressionSpecification {
  const at = (zoom: number) => Math.max(1.5, RIVER_PX_AT_0 * 2 ** zoom * factor);
  return ['interpolate', ['exponential', 2], ['zoom'], 8, at(8), 18, at(18)];
}
