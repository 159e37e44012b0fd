import { describe, expect, test } from 'vitest';
import type { Seen } from '$lib/api/store.svelte';
import type { Layer } from '$lib/api/model';
import { filterRows, rowsOf, sortRows } from './rows';

const layer = { id: 'gauges', types: ['WaterObserved'], label: 'waterLevel' } as unknown as Layer;
const seen = (id: string, more: object): [string, Seen] => [
  id,
  { entity: { id, type: 'WaterObserved', ...more }, at: '' },
];
const held = new Map([
  seen('urn:x:1', { name: 'Ruhrort 10', waterLevel: 812 }),
  seen('urn:x:2', { name: 'Köln', waterLevel: 93, simulated: true }),
  seen('urn:x:3', { name: 'Ruhrort 9' }),
]);
const naming = { name: (entity: { [name: string]: unknown }) => String(entity['name']), type: () => 'Pegel' };
const rows = rowsOf([layer], () => held, naming);

describe('the table twin', () => {
  test('has a row for everything on the map', () => {
    expect(rows.map((row) => [row.name, row.value, row.simulated])).toEqual([
      ['Ruhrort 10', 812, false],
      ['Köln', 93, true],
      ['Ruhrort 9', undefined, false],
    ]);
  });

  test('has none for what was only referred to', () => {
    const warnings = { id: 'w', types: ['WeatherAlert'], listed: { title: 'headline' } } as unknown as Layer;
    const heard = new Map([
      seen('urn:w:1', { headline: 'Sturm', status: 'active' }),
      seen('urn:w:2', { status: 'ended', validTo: '2026-11-22T10:00:00Z' }),
    ]);
    expect(rowsOf([warnings], () => heard, naming).map((row) => row.id)).toEqual(['urn:w:1']);
    const bare = new Map([seen('urn:x:4', { dateObserved: 'now' }), seen('urn:x:5', { location: {} })]);
    expect(rowsOf([layer], () => bare, naming).map((row) => row.id)).toEqual(['urn:x:5']);
  });

  test('is filtered by every word, in name, type or id', () => {
    expect(filterRows(rows, 'pegel RUHR').map((row) => row.name)).toEqual(['Ruhrort 10', 'Ruhrort 9']);
    expect(filterRows(rows, 'urn:x:2')).toHaveLength(1);
    expect(filterRows(rows, '  ')).toHaveLength(3);
  });

  test('sorts numbers as numbers, names as people do, and leaves what has no value at the end', () => {
    const names = (column: 'name' | 'value', down: boolean) =>
      sortRows(rows, { column, down }, 'de').map((row) => row.name);
    expect(names('name', false)).toEqual(['Köln', 'Ruhrort 9', 'Ruhrort 10']);
    expect(names('value', false)).toEqual(['Köln', 'Ruhrort 10', 'Ruhrort 9']);
  });

  test('begins with what lies on top of the map', () => {
    const on = (order: number, id: string) => ({ ...layer, order, id }) as Layer;
    const mixed = [
      ...rowsOf([on(10, 'stops')], () => new Map([seen('urn:s', { name: 'Aal' })]), naming),
      ...rowsOf([on(90, 'alerts')], () => new Map([seen('urn:a', { name: 'Zug' })]), naming),
    ];
    expect(sortRows(mixed, null, 'de').map((row) => row.id)).toEqual(['urn:a', 'urn:s']);
  });
});
