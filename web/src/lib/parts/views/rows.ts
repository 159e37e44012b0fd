// The table twin of the map: the same things as rows that can be filtered and sorted. Pure.

import type { Entity } from '$lib/api/entities';
import type { Seen } from '$lib/api/store.svelte';
import type { Layer } from '$lib/api/model';

export interface Row {
  id: string;
  layer: Layer;
  type: string;
  name: string;
  /** The value that the layer labels its things with, where that is not the name. */
  value: unknown;
  at: string;
  simulated: boolean;
  entity: Entity;
}

export type Column = 'name' | 'type' | 'value' | 'at';
export interface Sorting {
  column: Column;
  down: boolean;
}

export interface Naming {
  name(entity: Entity): string;
  type(name: string): string;
}

export function rowsOf(
  layers: Layer[],
  all: (type: string) => ReadonlyMap<string, Seen>,
  naming: Naming,
): Row[] {
  return layers.flatMap((layer) =>
    layer.types.flatMap((type) =>
      [...all(type).values()]
        .filter(({ entity }) => saysSomething(layer, entity))
        .map(({ entity, at }) => ({
          id: entity.id,
          layer,
          type: naming.type(type),
          name: naming.name(entity),
          value:
            layer.label && !['name', 'headline', 'title'].includes(layer.label)
              ? entity[layer.label]
              : undefined,
          at,
          simulated: entity['simulated'] === true,
          entity,
        })),
    ),
  );
}

const NAMES = ['name', 'headline', 'title', 'berthName'];

/** Tells what is known of from what was only referred to: it has a place, a name, or what its layer shows of it. */
export function saysSomething(layer: Layer, entity: Entity): boolean {
  const said = (name: string | null | undefined) => Boolean(name) && entity[name as string] !== undefined;
  if (layer.listed) return said(layer.listed.title);
  return said('location') || said(layer.label) || NAMES.some(said);
}

export function filterRows(rows: Row[], words: string): Row[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return rows;
  return rows.filter((row) => {
    const text = `${row.name} ${row.type} ${row.id}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** Sorts by a column, or without one by weight: what lies on top of the map stands first. */
export function sortRows(rows: Row[], sorting: Sorting | null, language: string): Row[] {
  const collator = new Intl.Collator(language, { numeric: true });
  const last = (a: Row, b: Row) => collator.compare(a.id, b.id);
  if (!sorting) {
    return rows.toSorted(
      (a, b) => b.layer.order - a.layer.order || collator.compare(a.name, b.name) || last(a, b),
    );
  }
  const { column, down } = sorting;
  const sign = down ? -1 : 1;
  return rows.toSorted((a, b) => sign * compare(a[column], b[column], collator) || last(a, b));
}

function compare(a: unknown, b: unknown, collator: Intl.Collator): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a ?? ''), String(b ?? '')];
  // What has no value stands last when sorting up.
  if (!left || !right) return left ? -1 : right ? 1 : 0;
  return collator.compare(left, right);
}
