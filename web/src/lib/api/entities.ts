// The city's entities by NGSI-LD: whole types page by page in the short form, one entity with all it has.

import type { Client } from './client';

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

/** Gives every entity of a type, page after page. */
export async function* listEntities(
  client: Client,
  type: string,
  signal?: AbortSignal,
): AsyncGenerator<Entity[]> {
  for (let offset = 0; ; offset += PAGE) {
    const response = await client.send('GET', '/ngsi-ld/v1/entities', {
      query: { type, options: 'keyValues,sysAttrs', limit: PAGE, offset },
      headers: linked(),
      ...(signal ? { signal } : {}),
    });
    const page = (await response.json()) as Entity[];
    yield page;
    if (page.length < PAGE) return;
  }
}

/** Gives one entity with units, times and sub-attributes: attribute name to its instances. */
export async function getEntity(client: Client, id: string): Promise<Entity> {
  return client.get<Entity>(`/ngsi-ld/v1/entities/${encodeURIComponent(id)}`, {
    query: { options: 'concise,sysAttrs' },
    headers: linked(),
  });
}

/** Learns the unit of each attribute of a type from a few of its entities. */
export async function learnUnits(client: Client, type: string): Promise<Record<string, string>> {
  const sample = await client.get<Entity[]>('/ngsi-ld/v1/entities', {
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

/** Gives an attribute's instances, whether it came bare, as one object or as several. */
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
