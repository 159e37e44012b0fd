// Opens MapLibre with the base map: north up, no pitch, controls in the reader's language.

import { Map, type IControl, NavigationControl, ScaleControl, setWorkerUrl } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import type { City } from '$lib/api/model';
import type { Shade } from '$lib/ui/theme.svelte';
import { baseStyle } from './basemap';
import { centreOf } from './first-view';
import type { BaseMap } from './resolution';

export interface MapWords {
  zoomIn: string;
  zoomOut: string;
  map: string;
  home: string;
  sources: string;
}

export function openMap(container: HTMLElement, city: City, shade: Shade, words: MapWords): Map {
  setWorkerUrl(new URL(workerUrl, document.baseURI).href);
  const map = new Map({
    container,
    style: baseStyle(shade, city.tiles_url),
    center: centreOf(city),
    zoom: city.zoom,
    minZoom: 7,
    maxZoom: 18,
    attributionControl: { compact: true },
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    locale: {
      'NavigationControl.ZoomIn': words.zoomIn,
      'NavigationControl.ZoomOut': words.zoomOut,
      'Map.Title': words.map,
      'AttributionControl.ToggleAttribution': words.sources,
    },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right');
  map.addControl(new ScaleControl({ maxWidth: 110 }), 'bottom-left');
  return map;
}

const HOUSE = 'M4 11.5 12 5l8 6.500M6.500 10v9h11v-9M10 19v-5h4v5';

/** Returns a button of the map's own kind. */
export function homeButton(label: string, go: () => void): IControl {
  const group = document.createElement('div');
  return {
    onAdd: () => {
      group.className = 'maplibregl-ctrl maplibregl-ctrl-group';
      const button = document.createElement('button');
      Object.assign(button, { type: 'button', className: 'map-home', title: label, onclick: go });
      button.setAttribute('aria-label', label);
      button.innerHTML = `<svg width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.800" aria-hidden="true"><path d="${HOUSE}"/></svg>`;
      group.replaceChildren(button);
      return group;
    },
    onRemove: () => group.remove(),
  };
}

/** Returns the map as `AdaptiveResolution` uses it. */
export function baseMapOf(map: Map): BaseMap {
  return {
    isMoving: () => map.isMoving(),
    on: (event, listener) => map.on(event, listener),
    paintAt: (ratio) => {
      // `setPixelRatio` would fire move events and interrupt a drag.
      map._overridePixelRatio = ratio;
      map._resizeInternal();
      // Another size has emptied the canvas: it is painted again before it is shown.
      map.redraw();
    },
  };
}
