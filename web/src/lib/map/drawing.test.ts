import { describe, expect, test } from 'vitest';
import type { Layer } from '$lib/api/model';
import { colorOf, headingOf, isOver } from './drawing';
import { bounds, pointOf } from '$lib/api/geometry';

const layer: Layer = {
  id: 'warnings',
  min_zoom: 0,
  marks: [],
  title: { de: 'Warnungen', en: 'Warnings' },
  types: ['WeatherAlert'],
  geometry: 'polygon',
  color: '#c77700',
  rotate: ['heading', 'courseOverGround'],
  visible: true,
  order: 1,
  panel: [],
  color_by: { attribute: 'severity', colors: { high: '#d43b1f' } },
};
const entity = (more: object) => ({ id: 'urn:x:1', type: 'WeatherAlert', ...more });
const now = new Date('2026-11-22T12:00:00Z');

describe('drawing', () => {
  test('a colour follows the value that the layer names, else the layer', () => {
    expect(colorOf(layer, entity({ severity: 'high' }))).toBe('#d43b1f');
    expect(colorOf(layer, entity({ severity: 'odd' }))).toBe('#c77700');
  });

  test('the heading is the first attribute that is known', () => {
    expect(headingOf(layer, entity({ heading: 12, courseOverGround: 50 }))).toBe(12);
    expect(headingOf(layer, entity({ courseOverGround: 50 }))).toBe(50);
    expect(headingOf(layer, entity({}))).toBeNull();
  });

  test('what is over is not drawn', () => {
    expect(isOver(entity({ status: 'resolved' }), now)).toBe(true);
    expect(isOver(entity({ status: 'active' }), now)).toBe(false);
    expect(isOver(entity({ validTo: { '@type': 'DateTime', '@value': '2026-11-22T11:00:00Z' } }), now)).toBe(
      true,
    );
    expect(isOver(entity({ validTo: '2026-11-22T13:00:00Z' }), now)).toBe(false);
  });

  test('an area is looked at in its middle', () => {
    const area = {
      type: 'Polygon' as const,
      coordinates: [
        [
          [6, 51],
          [8, 51],
          [8, 53],
          [6, 51],
        ],
      ],
    };
    expect(pointOf(area)).toEqual([7, 52]);
    expect(bounds(area.coordinates)).toEqual([6, 51, 8, 53]);
    expect(pointOf(null)).toBeNull();
  });
});
