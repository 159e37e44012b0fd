// The situation page: the map of all layers, its table, and the overview to which every part may add a card.

import { definePart } from '$lib/part/part';
import { ViewStore } from './views.svelte';
import type en from './texts/en.json';

export const part = definePart<ViewStore>({
  name: 'views',
  open: (app) => new ViewStore(app),
  start: (store) => store.start(),
  cityChanged: (store) => store.refresh(),
  stop: (store) => store.loader.stop(),
  pages: [
    {
      path: 'situation',
      title: 'views.title',
      icon: 'map',
      order: 10,
      shows: ['*'],
      view: () => import('./SituationPage.svelte'),
    },
  ],
  overview: [{ order: 90, view: () => import('./ListedLayers.svelte') }],
});

type Texts = typeof en;
declare module '$lib/texts/keys' {
  interface TextKeys extends Texts {}
}
