// The house's own layers beside those of the packs: alerts and incidents, coloured by how grave they are.

import type { Layer } from '$lib/api/model';
import { SEVERITY_COLORS } from './drawing';

export const HOUSE_LAYERS: Layer[] = [
  {
    id: 'alerts',
    title: { de: 'Meldungen', en: 'Alerts' },
    types: ['Alert'],
    geometry: 'point',
    icon: 'alert',
    color: SEVERITY_COLORS.medium,
    color_by: { attribute: 'severity', colors: SEVERITY_COLORS },
    label: null,
    visible: true,
    order: 900,
    panel: [],
  },
  {
    id: 'incidents',
    title: { de: 'Vorfälle', en: 'Incidents' },
    types: ['Incident'],
    geometry: 'point',
    icon: 'incident',
    color: SEVERITY_COLORS.medium,
    color_by: { attribute: 'severity', colors: SEVERITY_COLORS },
    label: 'title',
    visible: true,
    order: 910,
    panel: [],
  },
];
