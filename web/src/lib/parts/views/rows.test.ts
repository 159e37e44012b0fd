import { describe, expect, test } from 'vitest';
import type { Layer } from '$lib/api/model';
import { canSort, orderBy, queryFor } from './rows';

const layer = (more: object) => ({ id: 'x', order: 0, ...more }) as unknown as Layer;
const gauges = layer({ id: 'gauges', types: ['WaterObserved'], label: 'waterLevel' });
const berths = layer({ id: 'berths', types: ['Berth'], title_attribute: 'berthName' });
const alerts = layer({
  id: 'alerts',
  types: ['Alert'],
  filter: 'status=="active"',
  title_attribute: 'title',
});
const warnings = layer({
  id: 'warnings',
  types: ['WeatherAlert'],
  title_attribute: 'headline',
  listed: { title: 'headline', while: { attribute: 'status', value: 'active' } },
});
const all = [gauges, berths, alerts, warnings];

describe('the table of the map', () => {
  test('asks for all layers whose things need no filter, or for one layer with its filter', () => {
    expect(queryFor(all, undefined, '')).toEqual({ types: ['WaterObserved', 'Berth'], filter: '' });
    expect(queryFor(all, alerts, '')).toEqual({ types: ['Alert'], filter: 'status=="active"' });
    expect(queryFor(all, warnings, '').filter).toBe('status=="active";headline');
  });

  test('searches every word in the attribute that names a layer’s things', () => {
    expect(queryFor(all, gauges, ' ruhr  10 ').filter).toBe('name~="(?i)ruhr";name~="(?i)10"');
    expect(queryFor(all, undefined, 'süd').filter).toBe('(name~="(?i)süd"|berthName~="(?i)süd")');
  });

  test('takes a search literally', () => {
    expect(queryFor(all, gauges, 'a.b"').filter).toBe('name~="(?i)a\\.b."');
  });

  test('is ordered by name and time, and by value within one layer', () => {
    expect(orderBy(null, undefined)).toBeUndefined();
    expect(orderBy({ column: 'name', down: false }, berths)).toBe('berthName;asc');
    expect(orderBy({ column: 'at', down: true }, undefined)).toBe('modifiedAt;desc');
    expect(orderBy({ column: 'value', down: true }, gauges)).toBe('waterLevel;desc');
    expect(canSort('value', undefined)).toBe(false);
    expect(canSort('type', gauges)).toBe(false);
  });
});
