// What every part of the screen may ask for, handed down from the top instead of being imported as a global.

import { getContext, setContext } from 'svelte';
import type { Client } from '$lib/api/client';
import type { Mirror } from '$lib/api/mirror.svelte';
import type { Actor, City } from '$lib/api/model';
import type { Texts } from '$lib/texts/texts.svelte';
import type { Announcer } from './announcer.svelte';
import type { Clock } from './clock.svelte';
import type { Router } from './router.svelte';
import type { Theme } from './theme.svelte';

export interface Desk {
  client: Client;
  city: City;
  actor: Actor;
  mirror: Mirror;
  texts: Texts;
  clock: Clock;
  theme: Theme;
  router: Router;
  announcer: Announcer;
}

const KEY = Symbol('desk');

export function provideDesk(desk: Desk): void {
  setContext(KEY, desk);
}

export function useDesk(): Desk {
  return getContext<Desk>(KEY);
}
