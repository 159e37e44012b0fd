// What a part of the system shows on the screen. `parts/<part>/part.ts` exports one such value as `part`; the registry
// finds it there, so that a new page is one folder and changes no other file.

import type { Component } from 'svelte';
import type { Change } from '$lib/api/live';
import type { Layer, Titled } from '$lib/api/model';
import type { Counted, Key } from '$lib/texts/texts.svelte';
import type { AppContext } from '$lib/ui/context';
import type { IconName } from '$lib/ui/Icon.svelte';

/** A component in a chunk of its own, loaded when it is shown first. */
export type Lazy<Props extends object> = () => Promise<{
  default: Component<Props> | Component<Record<string, never>>;
}>;
/** Fills an element, without Svelte; returns how to clear up. */
export type Mount<Props extends object> = (element: HTMLElement, props: Props) => (() => void) | void;
export type View<Props extends object> = Lazy<Props> | { mount: Mount<Props> };
/** A key of the texts, or the text itself in both languages. */
export type Title = Key | Titled;

/** A page of the navigation. */
export interface Page<Store> {
  /** The page's address is `#/<path>`, or `#/<path>/<id>` for one thing of it. */
  path: string;
  title: Title;
  /** One of the screen's icons, or the path data of an outline in a box of 24. */
  icon: IconName | { path: string };
  order: number;
  /** The action of the city's policy that is needed; without it everyone may see the page. */
  action?: string;
  /** How many things need attention: a number beside the title. */
  badge?: { count(store: Store): number; text: Counted; urgent?: boolean };
  /** Types of entities that this page shows: links to them lead here. */
  shows?: string[];
  view: View<{ store: Store; id: string | undefined }>;
}

/** The details of an entity of some types (`*`: of all that no other part shows). */
export interface EntityDetail<Store> {
  types: string[];
  /** `actions`: whether things to do with the entity are offered. */
  view: View<{ store: Store; id: string; actions: boolean }>;
}

/** A section below the attributes of an entity. */
export interface EntitySection<Store> {
  types: string[];
  order: number;
  view: View<{ store: Store; id: string }>;
}

export interface EntitySubject {
  id: string;
  title: string;
  location: object | null;
}

/** Something to do with an entity, such as a button. */
export interface EntityAction<Store> {
  /** The action of the city's policy that is needed. */
  action?: string;
  order: number;
  view: View<{ store: Store; subject: EntitySubject }>;
}

/** A card of the overview beside the map. */
export interface OverviewCard<Store> {
  order: number;
  view: View<{ store: Store; current: string | undefined }>;
}

/** A section of the administration page. */
export interface AdminSection<Store> {
  name: string;
  title: Title;
  order: number;
  view: View<{ store: Store }>;
}

export interface WebPart<Store = unknown> {
  name: string;
  /** Creates what the part holds while somebody is signed in; every view of the part gets it as `store`. */
  open?(app: AppContext): Store;
  /** Begins to load; called once after the screen has been set up. */
  start?(store: Store): void;
  /** Called when the user leaves. */
  stop?(store: Store): void;
  /** Changes of these types are followed in the whole city, whatever the map shows. */
  live?: { types: string[]; changed?(store: Store, changes: Change[]): void };
  /** Called after another language was chosen. */
  languageChanged?(store: Store): void;
  /** Called after the city was reloaded: layers and texts may be others. */
  cityChanged?(store: Store): void;
  /** The name of an entity in the reader's language, where the part knows a better one than its attribute. */
  nameOf?(store: Store, id: string): string | undefined;
  /** Layers of the map beside those of the packs. */
  layers?: Layer[];
  pages?: Page<Store>[];
  details?: EntityDetail<Store>[];
  sections?: EntitySection<Store>[];
  actions?: EntityAction<Store>[];
  overview?: OverviewCard<Store>[];
  administration?: AdminSection<Store>[];
}

/** Declares a part; the registry hands its store back to it as it was. */
export function definePart<Store>(part: WebPart<Store>): WebPart {
  return part as WebPart;
}
