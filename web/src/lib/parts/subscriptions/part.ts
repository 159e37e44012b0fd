// NGSI-LD subscriptions and whether their receivers are reached: a section of the administration.

import { definePart } from '$lib/part/part';
import type en from './texts/en.json';

export const part = definePart<undefined>({
  name: 'subscriptions',
  administration: [
    {
      name: 'subscriptions',
      title: 'subscriptions.short',
      order: 40,
      view: () => import('./Subscriptions.svelte'),
    },
  ],
});

type Texts = typeof en;
declare module '$lib/texts/keys' {
  interface TextKeys extends Texts {}
}
