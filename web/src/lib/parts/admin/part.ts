// The administration page: it shows the sections that parts declare.

import { definePart } from '$lib/part/part';
import type en from './texts/en.json';

export const part = definePart<undefined>({
  name: 'admin',
  pages: [
    {
      path: 'admin',
      title: 'admin.title',
      icon: 'sliders',
      order: 90,
      action: 'administer',
      view: () => import('./AdminPage.svelte'),
    },
  ],
});

type Texts = typeof en;
declare module '$lib/texts/keys' {
  interface TextKeys extends Texts {}
}
