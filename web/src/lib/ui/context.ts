// What every view may use, handed down from the top instead of being imported as a global.

import { getContext, setContext } from 'svelte';
import type { Client } from '$lib/api/client';
import type { Actor, City } from '$lib/api/model';
import type { EntityStore } from '$lib/api/store.svelte';
import type { Registry } from '$lib/part/registry.svelte';
import type { Texts } from '$lib/texts/texts.svelte';
import type { Announcer } from './announcer.svelte';
import type { Clock } from './clock.svelte';
import type { Router } from './router.svelte';
import type { Theme } from './theme.svelte';

export interface AppContext {
  client: Client;
  city: City;
  actor: Actor;
  /** Whether the city's policy permits an action, such as `operate`, for something or other. */
  may(action: string): boolean;
  entityStore: EntityStore;
  registry: Registry;
  texts: Texts;
  clock: Clock;
  theme: Theme;
  router: Router;
  announcer: Announcer;
}

const KEY = Symbol('app');

export function provideApp(app: AppContext): void {
  setContext(KEY, app);
}

export function useApp(): AppContext {
  return getContext<AppContext>(KEY);
}
