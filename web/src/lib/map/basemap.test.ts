import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec';
import { beforeAll, describe, expect, test } from 'vitest';
import { baseStyle, repaint } from './basemap';
import { isVector } from './tiles';

beforeAll(() => {
  Object.assign(globalThis, { document: { baseURI: 'http://city.example/' } });
});

const TILES = [null, 'https://tiles.example/{z}/{x}/{y}.png', 'https://tiles.example/{z}/{x}/{y}.pbf?key=1'];

describe('the base map', () => {
  test.each(TILES)('is a style that MapLibre takes, with tiles from %s', (tilesUrl) => {
    for (const shade of ['light', 'dark'] as const) {
      expect(validateStyleMin(baseStyle(shade, tilesUrl))).toEqual([]);
    }
  });

  test('asks for no glyphs or sprites, and for its data beside the page', () => {
    const style = baseStyle('light', null);
    expect(style).not.toHaveProperty('glyphs');
    expect(style).not.toHaveProperty('sprite');
    for (const source of Object.values(style.sources)) {
      expect((source as { data: string }).data).toMatch(
        /^http:\/\/city\.example\/geo\/[\w.-]+\/[\w-]+\.geojson$/,
      );
    }
  });

  test('takes other colours without being built anew', () => {
    const light = new Map(
      repaint('light', null).map(([layer, property, value]) => [`${layer} ${property}`, value]),
    );
    const dark = repaint('dark', null);
    expect(dark).toHaveLength(light.size);
    expect(
      dark.filter(([layer, property, value]) => light.get(`${layer} ${property}`) !== value).length,
    ).toBeGreaterThan(15);
  });

  test('tells vector tiles by their ending', () => {
    expect(TILES.map((url) => url !== null && isVector(url))).toEqual([false, false, true]);
  });
});
