// The entities in the browser: what the map shows, and what a view watches by id. Loaded by query, then kept up to date
// by the live feed.
//
// Thousands of entities change each second, so they are held in plain maps; the screen follows a revision number a type
// that moves at most ten times a second.

import { untrack } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { Client } from './client';
import { getSimplified, typesOf, type Entity } from './entities';
import { isWithin, type Box } from './geometry';
import { LiveFeed, feedAddress, type Change, type Connection, type LiveFilter } from './live';

const FLUSH_MS = 100;
const RATE_WINDOW_S = 5;
/** Queries wait so long for the live feed's confirmation, so that a screen without it still shows something. */
const CONFIRMED_WITHIN_MS = 1000;

/** An entity with the time when its last change was recorded. */
export interface Seen {
  entity: Entity;
  at: string;
}

export type Watcher = (dirty: ReadonlySet<string>) => void;

/** What is kept of changes: of types within a box, and of types wherever they are. */
export interface Scope {
  types: readonly string[];
  box: Box | null;
  everywhere: readonly string[];
}

const NOTHING: Scope = { types: [], box: null, everywhere: [] };

/** The result of a query on its way into the store. */
export interface Loading {
  add(page: Entity[]): void;
  /** Removes what the store held of these types and the query did not return. */
  finish(): void;
}

export class EntityStore {
  connection = $state<Connection>('connecting');
  /** Changes a second over the last few seconds. */
  rate = $state(0);
  /** The unit of each attribute, by type. */
  readonly units: Record<string, Record<string, string>> = {};
  /** Called when changes were missed: everything is to be queried again. */
  onResync: () => void = () => {};
  /** Called when what the city shows may be another. */
  onCity: () => void = () => {};

  private readonly byType = new Map<string, Map<string, Seen>>();
  private readonly revisions = new SvelteMap<string, number>();
  private readonly dirty = new Map<string, Set<string>>();
  private readonly watchers = new Map<string, Set<Watcher>>();
  private readonly listeners = new Set<(changes: Change[]) => void>();
  private readonly watched = new SvelteMap<string, Seen | null>();
  private readonly watchCounts = new Map<string, number>();
  private readonly loadings = new Set<Set<string>>();
  /** Types of which more exist in the box than are kept: new ones are not added. */
  private readonly full = new Set<string>();
  /** What is stale, by layer. */
  private readonly stale = new Map<string, Set<string>>();
  private scope: Scope = NOTHING;
  private followed: string[] = [];
  private confirmations: (() => void)[] = [];
  private flushTimer: ReturnType<typeof setTimeout> | null = null;
  private rateTimer: ReturnType<typeof setInterval> | null = null;
  private filterTimer: ReturnType<typeof setTimeout> | null = null;
  private counted = 0;
  private feed: LiveFeed | null = null;

  constructor(private readonly client: Client) {}

  /** Connects. `followed`: types whose changes listeners get wherever they are. */
  start(followed: string[]): void {
    this.followed = [...followed, ...this.followed];
    this.feed = new LiveFeed(feedAddress(location), this.filter(), {
      onChanges: (changes) => this.apply(changes),
      onSubscribed: () => this.confirm(),
      onResync: () => {
        this.onResync();
        for (const id of this.watched.keys()) void this.fetch(id);
      },
      onCity: () => this.onCity(),
      onConnection: (state) => (this.connection = state),
      // Any request shows whether the session still holds; a 401 leads to the sign-in page.
      onRefused: () => void this.client.get('/api/v1/agencies').catch(() => {}),
    });
    this.feed.start();
    this.rateTimer = setInterval(() => {
      this.rate = this.counted / RATE_WINDOW_S;
      this.counted = 0;
    }, RATE_WINDOW_S * 1000);
  }

  stop(): void {
    this.feed?.stop();
    for (const timer of [this.flushTimer, this.filterTimer]) if (timer) clearTimeout(timer);
    if (this.rateTimer) clearInterval(this.rateTimer);
  }

  retry(): void {
    this.feed?.retry();
  }

  /** Follows another scope; resolves when changes within it are received, so that a query then misses nothing. */
  follow(scope: Scope): Promise<void> {
    this.scope = scope;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CONFIRMED_WITHIN_MS);
      this.confirmations.push(() => {
        clearTimeout(timer);
        resolve();
      });
      this.feed?.follow(this.filter());
    });
  }

  /** Begins to take the result of a query for some types. */
  beginLoading(types: readonly string[]): Loading {
    const changed = new Set<string>();
    const present = new Set<string>();
    this.loadings.add(changed);
    return {
      add: (page) => {
        for (const entity of page) {
          present.add(entity.id);
          // What the feed said meanwhile is at least as new as the result.
          if (!changed.has(entity.id)) this.put(entity, String(entity['modifiedAt'] ?? ''), types);
        }
      },
      finish: () => {
        this.loadings.delete(changed);
        for (const type of types) {
          for (const id of [...this.heldOf(type).keys()]) {
            if (!present.has(id) && !changed.has(id)) this.remove(type, id);
          }
          this.bump(type);
        }
      },
    };
  }

  /** Says whether the store holds all there is of a type in the box, or is full. */
  setFull(types: readonly string[], full: boolean): void {
    for (const type of types) {
      if (full) this.full.add(type);
      else this.full.delete(type);
    }
  }

  /** Says which things of a layer are stale; each is current again after its next change. */
  setStale(layer: string, types: readonly string[], ids: readonly string[]): void {
    const before = this.stale.get(layer) ?? new Set<string>();
    const after = new Set(ids);
    this.stale.set(layer, after);
    for (const id of new Set([...before, ...after])) {
      if (before.has(id) === after.has(id)) continue;
      for (const type of types) if (this.byType.get(type)?.has(id)) this.mark(type, id);
    }
  }

  isStale(layer: string, id: string): boolean {
    return this.stale.get(layer)?.has(id) ?? false;
  }

  /** Drops everything of some types. */
  drop(types: readonly string[]): void {
    for (const type of types) for (const id of [...this.heldOf(type).keys()]) this.remove(type, id);
  }

  /** Everything of a type, as of the type's present revision. */
  all(type: string): ReadonlyMap<string, Seen> {
    this.revisions.get(type);
    return this.heldOf(type);
  }

  /** How many entities are held. */
  get size(): number {
    return [...this.byType.values()].reduce((sum, held) => sum + held.size, 0);
  }

  /** One entity without following it: for drawing. */
  peek(type: string, id: string): Seen | undefined {
    return this.byType.get(type)?.get(id);
  }

  /** A watched entity, or one that the map shows. */
  find(id: string): Seen | undefined {
    const seen = this.watched.get(id);
    if (seen) return seen;
    for (const [type, held] of this.byType) if (held.has(id)) return this.all(type).get(id);
    return undefined;
  }

  /** Loads an entity and follows its changes wherever it is; returns how to stop. `known` saves the query. An effect
   *  that watches does not run again when the entity changes. */
  watchEntity(id: string, known?: Seen): () => void {
    untrack(() => this.beginWatching(id, known));
    return () => untrack(() => this.endWatching(id));
  }

  /** Calls `watcher` with the ids that changed, at most ten times a second; returns how to stop. */
  watch(type: string, watcher: Watcher): () => void {
    const set = this.watchers.get(type) ?? new Set();
    this.watchers.set(type, set.add(watcher));
    return () => set.delete(watcher);
  }

  /** Calls `listener` with every change received; returns how to stop. */
  listen(listener: (changes: Change[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Calls `listener` with the changes of some types, wherever they are; returns how to stop. */
  listenTo(types: string[], listener: (changes: Change[]) => void): () => void {
    this.followed = [...this.followed, ...types];
    this.refilter();
    const stop = this.listen((changes) => {
      const own = changes.filter((change) => change.type.some((type) => types.includes(type)));
      if (own.length) listener(own);
    });
    return () => {
      stop();
      for (const type of types) this.followed.splice(this.followed.indexOf(type), 1);
      this.refilter();
    };
  }

  /** Takes changes from the feed: each has the whole entity as it is afterwards. */
  apply(changes: Change[]): void {
    this.counted += changes.length;
    for (const change of changes) {
      const { entity, id, at } = change;
      const gone = change.kind === 'deleted' || !entity;
      if (this.watched.has(id)) this.watched.set(id, gone ? null : { entity, at });
      for (const changed of this.loadings) changed.add(id);
      for (const ids of this.stale.values()) ids.delete(id);
      if (gone || change.left || !this.isKept(change.type, entity)) {
        for (const type of change.type) this.remove(type, id);
      } else this.put(entity, at, change.type);
    }
    for (const listener of this.listeners) listener(changes);
  }

  private beginWatching(id: string, known: Seen | undefined): void {
    const count = this.watchCounts.get(id) ?? 0;
    this.watchCounts.set(id, count + 1);
    if (count) return;
    const seen = newest(known, this.find(id));
    this.watched.set(id, seen ?? null);
    this.refilter();
    if (!seen) void this.fetch(id);
  }

  private endWatching(id: string): void {
    const left = (this.watchCounts.get(id) ?? 1) - 1;
    if (left) {
      this.watchCounts.set(id, left);
      return;
    }
    this.watchCounts.delete(id);
    this.watched.delete(id);
    this.refilter();
  }

  private isKept(types: string[], entity: Entity): boolean {
    const { scope } = this;
    if (types.some((type) => scope.everywhere.includes(type))) return true;
    if (!scope.box || !types.some((type) => scope.types.includes(type))) return false;
    return isWithin(entity, scope.box);
  }

  private put(entity: Entity, at: string, types: readonly string[]): void {
    for (const type of typesOf(entity)) {
      if (!types.includes(type)) continue;
      const held = this.heldOf(type);
      if (this.full.has(type) && !held.has(entity.id)) continue;
      held.set(entity.id, { entity, at });
      this.mark(type, entity.id);
    }
  }

  private remove(type: string, id: string): void {
    if (this.byType.get(type)?.delete(id)) this.mark(type, id);
  }

  private heldOf(type: string): Map<string, Seen> {
    let held = this.byType.get(type);
    if (!held) this.byType.set(type, (held = new Map()));
    return held;
  }

  private async fetch(id: string): Promise<void> {
    try {
      const entity = await getSimplified(this.client, id);
      if (this.watched.has(id)) this.watched.set(id, { entity, at: String(entity['modifiedAt'] ?? '') });
    } catch {
      // Deleted, or not permitted: the view that shows it requests it in full and shows the reason.
    }
  }

  private filter(): LiveFilter {
    const { types, box, everywhere } = this.scope;
    const all = [...new Set([...everywhere, ...this.followed])];
    const ids = [...this.watched.keys()];
    // Without types in a box those that are wanted everywhere are all.
    if (!box || !types.length) return { types: all, bbox: null, everywhere: [], ids };
    return { types: [...types], bbox: box, everywhere: all, ids };
  }

  /** Sends the filter once after a burst of changes of what is watched. */
  private refilter(): void {
    this.filterTimer ??= setTimeout(() => {
      this.filterTimer = null;
      this.feed?.follow(this.filter());
    });
  }

  private confirm(): void {
    const confirmed = this.confirmations;
    this.confirmations = [];
    for (const each of confirmed) each();
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

/** The answer of a query may be older than a change that came while it was on its way. */
function newest(known: Seen | undefined, held: Seen | undefined): Seen | undefined {
  if (!known || !held) return known ?? held;
  return Date.parse(held.at) > Date.parse(known.at) ? held : known;
}
