// Queries of the table: what the search field, the layer and the order mean in NGSI-LD. Pure.

import { queryOf } from '$lib/api/layers.svelte';
import type { EntityQuery } from '$lib/api/entities';
import type { Layer } from '$lib/api/model';
import { titleAttributeOf } from '$lib/map/drawing';

export type Column = 'name' | 'type' | 'value' | 'at';
export interface Sorting {
  column: Column;
  down: boolean;
}

/** Returns the layers of the table where none is chosen: those whose things need no filter of their own. */
export function generalLayers(layers: readonly Layer[]): Layer[] {
  return layers.filter((layer) => !layer.filter && !layer.listed?.while);
}

/** Returns the query for one layer, or for the general ones, with every word of a search in the name. */
export function queryFor(layers: readonly Layer[], only: Layer | undefined, words: string): EntityQuery {
  const shown = only ? [only] : generalLayers(layers);
  const names = [...new Set(shown.map(titleAttributeOf))];
  const conditions = words
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => anyOf(names.map((name) => `${name}~="(?i)${escaped(word)}"`)));
  if (only) {
    const { filter } = queryOf(only);
    // What was only referred to has no title and says nothing.
    conditions.unshift(...(filter ? [filter] : []), ...(only.listed ? [only.listed.title] : []));
  }
  return { types: [...new Set(shown.flatMap((layer) => layer.types))], filter: conditions.join(';') };
}

/** Returns whether the table can be ordered by a column: a value has its meaning within one layer only. */
export function canSort(column: Column, only: Layer | undefined): boolean {
  return column === 'name' || column === 'at' || (column === 'value' && Boolean(only?.label));
}

/** Returns the order for the query (ETSI GS CIM 009, 4.23). */
export function orderBy(sorting: Sorting | null, only: Layer | undefined): string | undefined {
  if (!sorting || !canSort(sorting.column, only)) return undefined;
  const attribute = {
    name: only ? titleAttributeOf(only) : 'name',
    at: 'modifiedAt',
    value: only?.label ?? '',
    type: '',
  }[sorting.column];
  return `${attribute};${sorting.down ? 'desc' : 'asc'}`;
}

function anyOf(conditions: string[]): string {
  return conditions.length > 1 ? `(${conditions.join('|')})` : (conditions[0] ?? '');
}

/** A word as a regular expression within a quoted string. */
function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/"/g, '.');
}
