// Which things of a layer are stale: their last reading is older than the layer says they report. What the store holds has
// no times of measurement, so the server is asked.

import type { Client } from './client';
import { pageOfEntities } from './entities';
import type { Box } from './geometry';
import type { Layer } from './model';

const PAGE = 1000;
const MOVING_AFTER_S = 900;

type Reporting = Pick<Layer, 'stale_after_s' | 'rotate' | 'label' | 'chart'>;

/** Seconds without news after which a thing is stale; null: never. */
export function staleAfter(layer: Reporting): number | null {
  return layer.stale_after_s ?? (layer.rotate?.length ? MOVING_AFTER_S : null);
}

/** The attribute whose time of measurement counts: the place of what moves, else the value that is shown. */
export function readingOf(layer: Reporting): string | null {
  return layer.rotate?.length ? 'location' : (layer.chart ?? layer.label ?? null);
}

/** The condition (`q`, ETSI GS CIM 009, 4.9) that stale things of a layer meet; null where none can be. */
export function staleCondition(layer: Reporting, now: Date): string | null {
  const [after, attribute] = [staleAfter(layer), readingOf(layer)];
  if (after === null || attribute === null) return null;
  return `${attribute}.observedAt<${new Date(now.getTime() - after * 1000).toISOString()}`;
}

/** Returns the ids of a layer's stale things in a box, or among some ids; at most a thousand. */
export async function listStale(
  client: Client,
  layer: Layer,
  now: Date,
  where: { box?: Box | null; ids?: readonly string[] },
  signal?: AbortSignal,
): Promise<string[]> {
  const condition = staleCondition(layer, now);
  if (condition === null || where.ids?.length === 0) return [];
  const filter = layer.filter ? `(${layer.filter});${condition}` : condition;
  const query = { types: layer.types, filter, box: where.box };
  const more = { limit: PAGE, pick: 'id,type', ...(where.ids ? { id: where.ids.join(',') } : {}) };
  const { items } = await pageOfEntities(client, query, more, signal);
  return items.map((entity) => entity.id);
}
