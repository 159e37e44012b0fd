// Alerts: a page, a card of the overview, the details of one, and a layer of the map.

import { SEVERITY_COLORS } from '$lib/map/drawing';
import { definePart } from '$lib/part/part';
import { AlertStore } from './alerts.svelte';
import type en from './texts/en.json';

export const part = definePart<AlertStore>({
  name: 'alerts',
  open: (app) => new AlertStore(app),
  start: (store) => void store.load(),
  live: { types: ['Alert'], changed: (store) => store.changed() },
  pages: [
    {
      path: 'alerts',
      title: 'alerts.title',
      icon: 'alert',
      order: 20,
      shows: ['Alert'],
      badge: { count: (store) => store.active.length, text: 'alerts.count', urgent: true },
      view: () => import('./AlertsPage.svelte'),
    },
  ],
  details: [{ types: ['Alert'], view: () => import('./AlertPanel.svelte') }],
  overview: [{ order: 10, view: () => import('./AlertsCard.svelte') }],
  layers: [
    {
      id: 'alerts',
      title: { de: 'Meldungen', en: 'Alerts' },
      types: ['Alert'],
      filter: 'status=="active"',
      geometry: 'point',
      icon: 'alert',
      color: SEVERITY_COLORS.medium,
      color_by: { attribute: 'severity', colors: SEVERITY_COLORS },
      title_attribute: 'title',
      label: null,
      rotate: [],
      marks: [],
      min_zoom: 0,
      visible: true,
      order: 900,
      panel: [],
    },
  ],
});

type Texts = typeof en;
declare module '$lib/texts/keys' {
  interface TextKeys extends Texts {}
}
