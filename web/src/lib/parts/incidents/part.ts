// Incidents: a page, a card of the overview, the details of one, an action on every entity, and a layer of the map.

import { SEVERITY_COLORS } from '$lib/map/drawing';
import { definePart } from '$lib/part/part';
import { IncidentStore } from './incidents.svelte';
import type en from './texts/en.json';

export const part = definePart<IncidentStore>({
  name: 'incidents',
  open: (app) => new IncidentStore(app),
  start: (store) => void store.load(),
  live: { types: ['Incident', 'Task'], changed: (store) => store.changed() },
  // The server words what rules said in the reader's language.
  languageChanged: (store) => store.changed(),
  nameOf: (store, id) => store.titleOf(id),
  pages: [
    {
      path: 'incidents',
      title: 'incidents.title',
      icon: 'incident',
      order: 30,
      shows: ['Incident'],
      badge: { count: (store) => store.open.length, text: 'incidents.count' },
      view: () => import('./IncidentsPage.svelte'),
    },
  ],
  details: [{ types: ['Incident'], view: () => import('./IncidentDetail.svelte') }],
  actions: [{ order: 10, action: 'incidents.open', view: () => import('./CreateAction.svelte') }],
  overview: [{ order: 20, view: () => import('./IncidentsCard.svelte') }],
  layers: [
    {
      id: 'incidents',
      title: { de: 'Vorfälle', en: 'Incidents' },
      types: ['Incident'],
      filter: 'status!="closed"',
      geometry: 'point',
      icon: 'incident',
      color: SEVERITY_COLORS.medium,
      color_by: { attribute: 'severity', colors: SEVERITY_COLORS },
      title_attribute: 'title',
      label: 'title',
      rotate: [],
      marks: [],
      min_zoom: 0,
      visible: true,
      order: 910,
      panel: [],
    },
  ],
});

type Texts = typeof en;
declare module '$lib/texts/keys' {
  interface TextKeys extends Texts {}
}
