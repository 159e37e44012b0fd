// The colours of the base map: muted KERN hues, so that symbols stand out.

import type { Shade } from '$lib/ui/theme.svelte';

export interface Palette {
  outside: string;
  land: string;
  river: string;
  riverEdge: string;
  floodplain: string;
  county: string;
  cityEdge: string;
  district: string;
  quarter: string;
  place: string;
  placeFaint: string;
  halo: string;
  riverText: string;
  station: string;
  label: string;
  spriteHalo: string;
  /** How much symbols are lightened. */
  lift: number;
}

export const PALETTES: Record<Shade, Palette> = {
  light: {
    outside: '#e6e9ee',
    land: '#f8f9fb',
    river: '#a9cbe6',
    riverEdge: '#86b1d3',
    floodplain: '#dfeae4',
    county: '#cdd3dd',
    cityEdge: '#8a94a8',
    district: '#c3cad6',
    quarter: '#dde2ea',
    place: '#56607a',
    placeFaint: '#7b8499',
    halo: '#f8f9fb',
    riverText: '#35719d',
    station: '#6b7488',
    label: '#1b2238',
    spriteHalo: '#ffffff',
    lift: 0,
  },
  dark: {
    outside: '#0b0e14',
    land: '#141924',
    river: '#1d3f5e',
    riverEdge: '#2d5a80',
    floodplain: '#14231f',
    county: '#222a38',
    cityEdge: '#4f5b73',
    district: '#2b3445',
    quarter: '#1f2735',
    place: '#9aa5bd',
    placeFaint: '#6d7891',
    halo: '#0f131b',
    riverText: '#6fa6d1',
    station: '#7d88a0',
    label: '#e8ecf5',
    spriteHalo: '#0b0e14',
    lift: 0.22,
  },
};
