// Layers of lines and areas (warnings, berths): one GeoJSON source each, updated when an entity of it changed.

import type { FeatureCollection } from 'geojson';
import type { GeoJSONSource, LayerSpecification, Map } from 'maplibre-gl';
import type { Layer } from '$lib/api/model';
import type { EntityStore } from '$lib/api/store.svelte';
import { colorOf, isOver } from './drawing';
import { geometryOf } from '$lib/api/geometry';

export class AreaLayer {
  constructor(
    private readonly map: Map,
    private readonly entityStore: EntityStore,
    readonly layer: Layer,
  ) {}

  get source(): string {
    return `areas-${this.layer.id}`;
  }

  get layerIds(): string[] {
    return this.specifications().map((each) => each.id);
  }

  /** Adds the layers below `before`. */
  add(before: string | undefined): void {
    this.map.addSource(this.source, { type: 'geojson', data: this.collect() });
    for (const each of this.specifications()) this.map.addLayer(each, before);
  }

  refresh(): void {
    this.map.getSource<GeoJSONSource>(this.source)?.setData(this.collect());
  }

  show(visible: boolean): void {
    for (const id of this.layerIds)
      this.map.setLayoutProperty(id, 'visibility', visible ? 'visible' : 'none');
  }

  private specifications(): LayerSpecification[] {
    const shared = { source: this.source, minzoom: this.layer.min_zoom ?? 0 };
    const color = ['get', 'color'] as ['get', string];
    const line: LayerSpecification = {
      ...shared,
      id: `${this.source}-line`,
      type: 'line',
      paint: {
        'line-color': color,
        'line-width': ['case', ['get', 'simulated'], 1.5, 2],
        'line-opacity': 0.85,
        'line-dasharray': this.layer.geometry === 'line' ? [1, 0] : [3, 1.5],
      },
    };
    if (this.layer.geometry === 'line') return [line];
    const fill: LayerSpecification = {
      ...shared,
      id: `${this.source}-fill`,
      type: 'fill',
      paint: { 'fill-color': color, 'fill-opacity': 0.1 },
    };
    const point: LayerSpecification = {
      ...shared,
      id: `${this.source}-point`,
      type: 'circle',
      filter: ['match', ['geometry-type'], ['Point', 'MultiPoint'], true, false],
      paint: {
        'circle-radius': 9,
        'circle-color': color,
        'circle-opacity': 0.25,
        'circle-stroke-color': color,
        'circle-stroke-width': 2,
      },
    };
    return [fill, line, point];
  }

  private collect(): FeatureCollection {
    const now = new Date();
    const features: FeatureCollection['features'] = [];
    for (const type of this.layer.types) {
      for (const { entity } of this.entityStore.all(type).values()) {
        const geometry = geometryOf(entity);
        if (!geometry || isOver(entity, now)) continue;
        features.push({
          type: 'Feature',
          geometry,
          properties: {
            id: entity.id,
            color: colorOf(this.layer, entity),
            simulated: entity['simulated'] === true,
          },
        });
      }
    }
    return { type: 'FeatureCollection', features };
  }
}
