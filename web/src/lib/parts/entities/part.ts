// The details of any entity: its attributes with units and times, and the history of one of them.

import { definePart } from '$lib/part/part';
import type en from './texts/en.json';

export const part = definePart<undefined>({
  name: 'entities',
  details: [{ types: ['*'], view: () => import('./EntityPanel.svelte') }],
});

type Texts = typeof en;
declare module '$lib/texts/keys' {
  interface TextKeys extends Texts {}
}
