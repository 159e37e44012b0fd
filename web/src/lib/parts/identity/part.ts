// Accounts, access tokens and agencies: sections of the administration.

import { definePart } from '$lib/part/part';
import type en from './texts/en.json';

export const part = definePart<undefined>({
  name: 'identity',
  administration: [
    {
      name: 'accounts',
      title: 'identity.accounts.short',
      order: 10,
      view: () => import('./Accounts.svelte'),
    },
    { name: 'tokens', title: 'identity.tokens.short', order: 20, view: () => import('./Tokens.svelte') },
    {
      name: 'agencies',
      title: 'identity.agencies.short',
      order: 30,
      view: () => import('./Agencies.svelte'),
    },
  ],
});

type Texts = typeof en;
declare module '$lib/texts/keys' {
  interface TextKeys extends Texts {}
}
