// The parts on the screen: finds them by their folder, opens what they hold, and hands out what they declare.
// It knows none of them by name; one that comes from elsewhere is added in the same way.

import { SvelteMap } from 'svelte/reactivity';
import type { Change } from '$lib/api/live';
import type { Layer } from '$lib/api/model';
import type { AppContext } from '$lib/ui/context';
import { link } from '$lib/ui/router.svelte';
import type { EntityDetail, WebPart } from './part';

/** A declared thing together with what its part holds. */
export type Bound<Declared> = Declared & { store: unknown; part: string };
type Slot = 'pages' | 'details' | 'sections' | 'actions' | 'overview' | 'administration';
type Declared<Name extends Slot> = NonNullable<WebPart[Name]>[number];

interface Entry {
  part: WebPart;
  store: unknown;
}

/** Returns the parts of this build. */
export function builtParts(): WebPart[] {
  const found = import.meta.glob<WebPart>('../parts/*/part.ts', { eager: true, import: 'part' });
  return Object.values(found);
}

export class Registry {
  /** Modules from elsewhere that cannot be used, and why. */
  readonly failures = new SvelteMap<string, string>();
  private entries = $state.raw<Entry[]>([]);

  /** Opens parts; one that fails takes none of the others down. */
  add(parts: WebPart[], app: AppContext): void {
    const opened = parts.flatMap((part) => {
      try {
        return [{ part, store: part.open?.(app) }];
      } catch (cause) {
        console.error(`the part ${part.name} does not open`, cause);
        return [];
      }
    });
    this.entries = [...this.entries, ...opened];
  }

  failed(module: string, cause: unknown): void {
    this.failures.set(module, cause instanceof Error ? cause.message : String(cause));
  }

  start(): void {
    for (const { part, store } of this.entries) part.start?.(store);
  }

  stop(): void {
    for (const { part, store } of this.entries) part.stop?.(store);
  }

  /** Returns everything that parts declare for a slot, in order. */
  list<Name extends Slot>(slot: Name): Bound<Declared<Name>>[] {
    const all = this.entries.flatMap(({ part, store }) =>
      (part[slot] ?? []).map((each) => ({ ...each, store, part: part.name })),
    ) as Bound<Declared<Name>>[];
    const order = (each: object) => ('order' in each ? Number(each.order) : 0);
    return all.sort((a, b) => order(a) - order(b));
  }

  /** The same for somebody whom the policy permits what `may` says. */
  listFor<Name extends 'pages' | 'actions'>(
    slot: Name,
    may: (action: string) => boolean,
  ): Bound<Declared<Name>>[] {
    return this.list(slot).filter((each) => !each.action || may(each.action));
  }

  /** Returns the view of an entity's details: that of one of its types, else the general one. */
  detailFor(types: readonly string[]): Bound<EntityDetail<unknown>> | undefined {
    const all = this.list('details');
    return (
      all.find((each) => each.types.some((type) => types.includes(type))) ??
      all.find((each) => each.types.includes('*'))
    );
  }

  /** Returns the address of an entity: on the page that shows its type, else among its details on the first page. */
  hrefOf(type: string, id: string): string {
    const pages = this.list('pages');
    return link((pages.find((page) => page.shows?.includes(type)) ?? pages[0])?.path ?? '', id);
  }

  nameOf(id: string): string | undefined {
    for (const { part, store } of this.entries) {
      const name = part.nameOf?.(store, id);
      if (name) return name;
    }
    return undefined;
  }

  get layers(): Layer[] {
    return this.entries.flatMap(({ part }) => part.layers ?? []);
  }

  /** Types of which every change in the city is wanted. */
  get liveTypes(): string[] {
    return [...new Set(this.entries.flatMap(({ part }) => part.live?.types ?? []))];
  }

  changed(changes: Change[]): void {
    for (const { part, store } of this.entries) {
      const { live } = part;
      if (!live?.changed) continue;
      const own = changes.filter((change) => change.type.some((type) => live.types.includes(type)));
      if (own.length) live.changed(store, own);
    }
  }

  cityChanged(): void {
    for (const { part, store } of this.entries) part.cityChanged?.(store);
  }

  languageChanged(): void {
    for (const { part, store } of this.entries) part.languageChanged?.(store);
  }
}
