// Loads what the map shows: of each visible layer the entities in view with a margin around it, up to a limit. Counts
// come from the server. Layers that are listed beside the map are loaded wherever their entities are.

import { SvelteMap } from 'svelte/reactivity';
import type { Client } from './client';
import { countEntities, learnUnits, listEntities, type EntityQuery } from './entities';
import { area, contains, withMargin, type Box } from './geometry';
import type { Layer } from './model';
import { listStale, staleCondition } from './stale';
import type { EntityStore } from './store.svelte';

/** At most so many entities of a layer are loaded. */
export const MOST = 5000;
/** The margin around the view, as a share of its size. */
const MARGIN = 0.3;
/** Where a layer is not complete, a view so much smaller than what was loaded is loaded anew. */
const SHRUNK = 6;
/** So many layers are loaded at a time: a browser keeps six connections to one server, and others need some. */
const AT_ONCE = 3;
const COUNT_EVERY_MS = 30_000;
const STALE_EVERY_MS = 60_000;

export interface LayerView {
  box: Box;
  zoom: number;
  visible: Readonly<Record<string, boolean>>;
}

export interface LayerStatus {
  loading: boolean;
  failed: boolean;
  /** How many there are in view, where they are more than are shown. */
  inView: number | null;
}

interface Load {
  abort: AbortController;
  complete: boolean;
}

const LOADING: LayerStatus = { loading: true, failed: false, inView: null };

export class LayerLoader {
  readonly status = new SvelteMap<string, LayerStatus>();
  /** How many entities of a layer there are in the whole city. */
  readonly totals = new SvelteMap<string, number>();

  /** The weightiest first. */
  private layers: Layer[] = [];
  private readonly loads = new Map<string, Load>();
  private readonly queue: (() => Promise<void>)[] = [];
  private active = 0;
  private box: Box | null = null;
  private view: LayerView | null = null;
  private followed = '';
  private following: Promise<void> = Promise.resolve();
  private timer: ReturnType<typeof setInterval> | null = null;
  private staleTimer: ReturnType<typeof setInterval> | null = null;

  constructor(
    private readonly client: Client,
    private readonly store: EntityStore,
  ) {}

  start(layers: readonly Layer[]): void {
    this.store.onResync = () => this.reload();
    this.use(layers);
    this.staleTimer = setInterval(() => !document.hidden && void this.findAllStale(), STALE_EVERY_MS);
    this.timer = setInterval(() => !document.hidden && void this.count(), COUNT_EVERY_MS);
  }

  /** Loads these layers from now on. */
  use(layers: readonly Layer[]): void {
    this.forget(() => true);
    const before = typesIn(this.layers);
    this.layers = layers.toSorted((a, b) => b.order - a.order);
    this.store.drop(before.filter((type) => !typesIn(this.layers).includes(type)));
    this.update();
    void this.count();
  }

  stop(): void {
    for (const timer of [this.timer, this.staleTimer]) if (timer) clearInterval(timer);
    for (const load of this.loads.values()) load.abort.abort();
  }

  /** Loads what a view of the map needs; null: there is no map. */
  show(view: LayerView | null): void {
    this.view = view;
    this.update();
  }

  /** Queries everything again. */
  reload(): void {
    this.forget(() => true);
    this.update();
  }

  private update(): void {
    const { view } = this;
    const wanted = this.layers.filter((layer) => isListed(layer) || isInView(layer, view));
    if (!view) this.box = null;
    else if (!this.box || !contains(this.box, view.box) || this.isTooCoarse(this.box, view.box)) {
      this.box = withMargin(view.box, MARGIN);
      this.forget((layer) => !isListed(layer));
    }
    this.forget((layer) => !wanted.includes(layer));
    const fresh = wanted.filter((layer) => !this.loads.has(layer.id));
    this.dropAllBut(wanted);
    for (const layer of fresh) {
      this.loads.set(layer.id, { abort: new AbortController(), complete: true });
      this.status.set(layer.id, { ...(this.status.get(layer.id) ?? LOADING), loading: true });
    }
    const scope = {
      types: typesIn(wanted.filter((layer) => !isListed(layer))),
      box: this.box,
      everywhere: typesIn(wanted.filter(isListed)),
    };
    const key = JSON.stringify(scope);
    if (key !== this.followed) this.following = this.store.follow(scope);
    this.followed = key;
    void this.following.then(() => fresh.forEach((layer) => this.enqueue(() => this.load(layer))));
  }

  private isTooCoarse(loaded: Box, view: Box): boolean {
    return area(loaded) > SHRUNK * area(view) && [...this.loads.values()].some((load) => !load.complete);
  }

  /** Forgets that layers were loaded; loads on their way are given up. */
  private forget(which: (layer: Layer) => boolean): void {
    for (const layer of this.layers) {
      if (!which(layer)) continue;
      this.loads.get(layer.id)?.abort.abort();
      this.loads.delete(layer.id);
    }
  }

  private dropAllBut(wanted: Layer[]): void {
    const kept = new Set(typesIn(wanted));
    this.store.drop(typesIn(this.layers).filter((type) => !kept.has(type)));
  }

  private async load(layer: Layer): Promise<void> {
    const load = this.loads.get(layer.id);
    if (!load || load.abort.signal.aborted) return;
    const { signal } = load.abort;
    const query = { ...queryOf(layer), box: isListed(layer) ? null : this.box };
    try {
      this.store.setFull(layer.types, false);
      const loading = this.store.beginLoading(layer.types);
      let count = 0;
      try {
        for await (const page of listEntities(this.client, query, MOST, signal)) {
          loading.add(page);
          count += page.length;
        }
      } finally {
        if (!signal.aborted) loading.finish();
      }
      load.complete = count < MOST;
      this.store.setFull(layer.types, !load.complete);
      const inView = load.complete ? null : await countEntities(this.client, query, signal);
      if (!signal.aborted) this.status.set(layer.id, { loading: false, failed: false, inView });
      if (load.complete) await this.findStale(layer, signal);
      for (const type of layer.types) this.store.units[type] ??= await learnUnits(this.client, type);
    } catch (problem) {
      if (signal.aborted) return;
      console.error(problem);
      this.status.set(layer.id, { loading: false, failed: true, inView: null });
    }
  }

  /** Asks which of the layer's things in view have not reported for long; of a layer that is shown in part, nobody
   *  asks: the query would read every thing in view. */
  private async findStale(layer: Layer, signal: AbortSignal): Promise<void> {
    if (staleCondition(layer, new Date()) === null) return;
    const where = { box: isListed(layer) ? null : this.box };
    const ids = await listStale(this.client, layer, new Date(), where, signal);
    if (!signal.aborted) this.store.setStale(layer.id, layer.types, ids);
  }

  private async findAllStale(): Promise<void> {
    for (const layer of this.layers) {
      const load = this.loads.get(layer.id);
      try {
        if (load?.complete) await this.findStale(layer, load.abort.signal);
      } catch {
        // The next round asks again.
      }
    }
  }

  private enqueue(task: () => Promise<void>): void {
    this.queue.push(task);
    if (this.active >= AT_ONCE) return;
    this.active += 1;
    void this.work();
  }

  private async work(): Promise<void> {
    for (let task = this.queue.shift(); task; task = this.queue.shift()) await task();
    this.active -= 1;
  }

  private async count(): Promise<void> {
    for (const layer of this.layers) {
      try {
        this.totals.set(layer.id, await countEntities(this.client, queryOf(layer)));
      } catch {
        // Shown as unknown; the next round asks again.
      }
    }
  }
}

/** Returns what belongs to a layer, wherever it is. */
export function queryOf(layer: Layer): EntityQuery {
  const conditions = layer.filter ? [layer.filter] : [];
  const condition = layer.listed?.while;
  if (condition) conditions.push(`${condition.attribute}==${JSON.stringify(condition.value)}`);
  return { types: layer.types, filter: conditions.join(';') };
}

function isListed(layer: Layer): boolean {
  return Boolean(layer.listed);
}

function isInView(layer: Layer, view: LayerView | null): boolean {
  return view !== null && Boolean(view.visible[layer.id]) && view.zoom >= (layer.min_zoom ?? 0);
}

function typesIn(layers: Layer[]): string[] {
  return [...new Set(layers.flatMap((layer) => layer.types))];
}
