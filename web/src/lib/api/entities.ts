// Queries entities by NGSI-LD: pages of simplified entities, one entity with all its attributes.

import type { Client, Query } from './client';
import { geoQuery, type Box } from './geometry';

/** An entity in simplified form (ETSI GS CIM 009, 4.5.4) with the names of the city's own context. */
export interface Entity {
  id: string;
  type: string | string[];
  [attribute: string]: unknown;
}

/** One instance of an attribute in concise or normalized form. */
export interface Instance {
  type?: string;
  value?: unknown;
  object?: string | string[];
  languageMap?: Record<string, string>;
  vocab?: unknown;
  json?: unknown;
  unitCode?: string;
  observedAt?: string;
  modifiedAt?: string;
  datasetId?: string;
  [sub: string]: unknown;
}

const CONTEXT = '/ngsi-ld/v1/jsonldContexts/city';
const PATH = '/ngsi-ld/v1/entities';
const PAGE = 1000;

/** Members of an entity that are no attributes. */
export const RESERVED = new Set(['id', 'type', '@context', 'createdAt', 'modifiedAt', 'deletedAt', 'scope']);

/** Names the city's context, so that short names come back (ETSI GS CIM 009, 6.3.5). */
export function linked(): Record<string, string> {
  const address = new URL(CONTEXT, globalThis.location?.href ?? 'http://localhost/').href;
  return {
    Accept: 'application/json',
    Link: `<${address}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"`,
  };
}

/** What to query: types, a filter (`q`, ETSI GS CIM 009, 4.9), a box, and how many at most. */
export interface EntityQuery {
  types: readonly string[];
  filter?: string | null | undefined;
  box?: Box | null | undefined;
}

function parametersOf({ types, filter, box }: EntityQuery): Query {
  return { type: types.join(','), ...(filter ? { q: filter } : {}), ...(box ? geoQuery(box) : {}) };
}

/** Yields what matches, page after page, at most `most` entities. */
export async function* listEntities(
  client: Client,
  query: EntityQuery,
  most: number,
  signal?: AbortSignal,
): AsyncGenerator<Entity[]> {
  for (let offset = 0; offset < most; offset += PAGE) {
    const limit = Math.min(PAGE, most - offset);
    const { items } = await pageOfEntities(client, query, { limit, offset }, signal);
    yield items;
    if (items.length < limit) return;
  }
}

export interface EntityPage {
  items: Entity[];
  /** How many match in all, where that was asked for. */
  total: number | null;
}

/** Returns one page; `count: true` in `more` asks for the total too. */
export async function pageOfEntities(
  client: Client,
  query: EntityQuery,
  more: Query,
  signal?: AbortSignal,
): Promise<EntityPage> {
  const response = await client.send('GET', PATH, {
    query: { ...parametersOf(query), options: 'keyValues,sysAttrs', ...more },
    headers: linked(),
    ...(signal ? { signal } : {}),
  });
  const total = response.headers.get('NGSILD-Results-Count');
  return { items: (await response.json()) as Entity[], total: total === null ? null : Number(total) };
}

/** Returns how many entities match. */
export async function countEntities(
  client: Client,
  query: EntityQuery,
  signal?: AbortSignal,
): Promise<number> {
  return (await pageOfEntities(client, query, { limit: 0, count: true }, signal)).total ?? 0;
}

/** Returns one entity in the short form. */
export function getSimplified(client: Client, id: string): Promise<Entity> {
  return client.get<Entity>(`${PATH}/${encodeURIComponent(id)}`, {
    query: { options: 'keyValues,sysAttrs' },
    headers: linked(),
  });
}

/** Returns one entity with units, times and sub-attributes: attribute name to its instances. */
export async function getEntity(client: Client, id: string): Promise<Entity> {
  return client.get<Entity>(`${PATH}/${encodeURIComponent(id)}`, {
    query: { options: 'concise,sysAttrs' },
    headers: linked(),
  });
}

/** Reads the unit of each attribute of a type from a few of its entities. */
export async function learnUnits(client: Client, type: string): Promise<Record<string, string>> {
  const sample = await client.get<Entity[]>(PATH, {
    query: { type, options: 'concise', limit: 20 },
    headers: linked(),
  });
  const units: Record<string, string> = {};
  for (const entity of sample) {
    for (const [name, value] of Object.entries(entity)) {
      const code = instances(value)[0]?.unitCode;
      if (code && !units[name]) units[name] = code;
    }
  }
  return units;
}

/** Returns an attribute's instances, whether it came bare, as one object or as several. */
export function instances(attribute: unknown): Instance[] {
  if (attribute === null || attribute === undefined) return [];
  if (Array.isArray(attribute)) {
    return attribute.every(isInstance) && attribute.length
      ? (attribute as Instance[])
      : [{ value: attribute }];
  }
  return isInstance(attribute) ? [attribute] : [{ value: attribute }];
}

function isInstance(value: unknown): value is Instance {
  if (typeof value !== 'object' || value === null) return false;
  return ['value', 'object', 'languageMap', 'vocab', 'json'].some((key) => key in value);
}

/** What an instance says, whichever kind of attribute it is. */
export function content(instance: Instance): unknown {
  return (
    instance.value ??
    instance.object ??
    (instance.languageMap ? { languageMap: instance.languageMap } : undefined) ??
    instance.vocab ??
    instance.json
  );
}

/** The types of an entity as a list. */
export function typesOf(entity: Pick<Entity, 'type'>): string[] {
  return Array.isArray(entity.type) ? entity.type : [entity.type];
}
