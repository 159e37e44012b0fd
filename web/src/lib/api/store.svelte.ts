// The browser's copy of what it watches of the city: queried once, then kept by the live feed.
//
// Thousands of entities change each second, so the copy itself is plain maps; what is on the screen follows a revision
// number a type that moves at most ten times a second.

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { Client } from './client';
import { learnUnits, listEntities, typesOf, type Entity } from './entities';
import { LiveFeed, feedAddress, type Change, type Connection } from './live';

const FLUSH_MS = 100;
const RATE_WINDOW_S = 5;
/** So many types are asked for at a time: a browser keeps six lines to one city, and others want some too. */
const AT_ONCE = 3;

/** What the entityStore knows of an entity beside the entity: when the city learnt of its last change. */
export interface Seen {
  entity: Entity;
  at: string;
}

export type Watcher = (dirty: ReadonlySet<string>) => void;

export class EntityStore {
  connection = $state<Connection>('connecting');
  loading = $state(true);
  /** Types that were not yet answered. */
  readonly pending = new SvelteSet<string>();
  /** Why a type could not be loaded, by type. */
  failed = new SvelteMap<string, string>();
  /** Changes a second over the last few seconds. */
  rate = $state(0);
  readonly units: Record<string, Record<string, string>> = {};

  /** The types that are kept. */
  types: string[] = [];

  private readonly byType = new Map<string, Map<string, Seen>>();
  private readonly revisions = new SvelteMap<string, number>();
  private readonly dirty = new Map<string, Set<string>>();
  private readonly watchers = new Map<string, Set<Watcher>>();
  private readonly listeners = new Set<(changes: Change[]) => void>();
  private touched: Set<string> | null = null;
  private flushTimer: ReturnType<typeof setTimeout> | null = null;
  private rateTimer: ReturnType<typeof setInterval> | null = null;
  private counted = 0;
  private feed: LiveFeed | null = null;

  constructor(private readonly client: Client) {}

  /** Connects first and queries then: a change between the two is received, not lost. `followed`: types whose changes
   *  are reported and not kept. */
  start(types: string[], followed: string[]): void {
    this.types = types;
    for (const type of types) this.byType.set(type, new Map());
    this.feed = new LiveFeed(feedAddress(location), [...new Set([...types, ...followed])], {
      onChanges: (changes) => this.apply(changes),
      onResync: () => void this.load(),
      onConnection: (state) => (this.connection = state),
      // Any question tells whether the session still holds; a 401 leads to the sign-in page.
      onRefused: () => void this.client.get('/api/v1/agencies').catch(() => {}),
    });
    this.feed.start();
    this.rateTimer = setInterval(() => {
      this.rate = this.counted / RATE_WINDOW_S;
      this.counted = 0;
    }, RATE_WINDOW_S * 1000);
    void this.load();
  }

  stop(): void {
    this.feed?.stop();
    if (this.flushTimer) clearTimeout(this.flushTimer);
    if (this.rateTimer) clearInterval(this.rateTimer);
  }

  retry(): void {
    this.feed?.retry();
  }

  async load(): Promise<void> {
    this.loading = true;
    this.touched = new Set();
    const waiting = [...this.types];
    for (const type of waiting) this.pending.add(type);
    const loadNext = async (): Promise<void> => {
      for (let type = waiting.shift(); type; type = waiting.shift()) await this.loadType(type);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, loadNext));
    this.touched = null;
    this.loading = false;
  }

  /** Everything of a type, as of the type's present revision. */
  all(type: string): ReadonlyMap<string, Seen> {
    this.revisions.get(type);
    return this.byType.get(type) ?? new Map();
  }

  /** One entity without following it: for drawing. */
  peek(type: string, id: string): Seen | undefined {
    return this.byType.get(type)?.get(id);
  }

  find(id: string): Seen | undefined {
    for (const type of this.types) {
      const seen = this.all(type).get(id);
      if (seen) return seen;
    }
    return undefined;
  }

  /** Calls `watcher` with the ids that changed, at most ten times a second; returns how to stop. */
  watch(type: string, watcher: Watcher): () => void {
    const set = this.watchers.get(type) ?? new Set();
    this.watchers.set(type, set.add(watcher));
    return () => set.delete(watcher);
  }

  /** Calls `listener` with every change heard; returns how to stop. */
  listen(listener: (changes: Change[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Follows the feed: what it says of an entity is the whole entity afterwards. */
  apply(changes: Change[]): void {
    this.counted += changes.length;
    for (const change of changes) {
      for (const type of change.type) {
        const held = this.byType.get(type);
        if (!held) continue;
        if (change.kind === 'deleted' || !change.entity) held.delete(change.id);
        else held.set(change.id, { entity: change.entity, at: change.at });
        this.touched?.add(change.id);
        this.mark(type, change.id);
      }
    }
    for (const listener of this.listeners) listener(changes);
  }

  private async loadType(type: string): Promise<void> {
    const held = this.byType.get(type);
    if (!held) return;
    const present = new Set<string>();
    try {
      for await (const page of listEntities(this.client, type)) {
        for (const entity of page) {
          present.add(entity.id);
          // What the feed said meanwhile is at least as new as the answer.
          if (this.touched?.has(entity.id)) continue;
          held.set(entity.id, { entity, at: String(entity['modifiedAt'] ?? '') });
          this.mark(type, entity.id);
        }
      }
      for (const id of [...held.keys()]) {
        if (present.has(id) || this.touched?.has(id)) continue;
        held.delete(id);
        this.mark(type, id);
      }
      this.failed.delete(type);
      this.bump(type);
      this.units[type] = await learnUnits(this.client, type);
    } catch (problem) {
      this.failed.set(type, problem instanceof Error ? problem.message : String(problem));
    }
    this.pending.delete(type);
    this.bump(type);
  }

  private mark(type: string, id: string): void {
    const ids = this.dirty.get(type) ?? new Set();
    this.dirty.set(type, ids.add(id));
    this.flushTimer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    this.flushTimer = null;
    const dirty = [...this.dirty];
    this.dirty.clear();
    for (const [type, ids] of dirty) {
      this.bump(type);
      for (const watcher of this.watchers.get(type) ?? []) watcher(ids);
    }
  }

  private bump(type: string): void {
    this.revisions.set(type, (this.revisions.get(type) ?? 0) + 1);
  }
}

/** The types that an entity has and the entityStore keeps: the first is its layer's. */
export function keptType(entityStore: EntityStore, entity: Entity): string | undefined {
  return typesOf(entity).find((type) => entityStore.types.includes(type));
}
