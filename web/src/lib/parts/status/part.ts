// The system page: feeds, rules, processing, and messages that could not be used.

import { definePart } from '$lib/part/part';
import type en from './texts/en.json';

export const part = definePart<undefined>({
  name: 'status',
  pages: [
    {
      path: 'status',
      title: 'status.title',
      icon: 'pulse',
      order: 80,
      view: () => import('./StatusPage.svelte'),
    },
  ],
});

type Texts = typeof en;
declare module '$lib/texts/keys' {
  interface TextKeys extends Texts {}
}
