// The map as one object: the only place that steers MapLibre.

import { Map, NavigationControl, ScaleControl, setWorkerUrl, type GeoJSONSource } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import type { City, Layer } from '$lib/api/model';
import type { Entity } from '$lib/api/entities';
import type { Mirror } from '$lib/api/mirror.svelte';
import type { Shade } from '$lib/ui/theme.svelte';
import { Areas } from './areas';
import { baseStyle, repaint } from './basemap';
import { bounds, geometryOf, pointOf, rgb } from './drawing';
import { Fleet } from './fleet';
import { Flock, project, unproject } from './flock';
import { LABELS, labelFeatures, labelLayer, labelPaint, type Label } from './labels';
import { PALETTES } from './palette';
import { bodyCell, glyphCell, lookOf } from './shapes';
import { Signs } from './signs';

/** What the map asks its surroundings: words, and to hear of a choice. */
export interface Surroundings {
  label(layer: Layer, entity: Entity): { name: string; value: string };
  onPick(id: string | null): void;
  onHover(id: string | null, x: number, y: number): void;
  onMoved(): void;
}

const NARROW_PX = 600;
const SOURCES_SHOWN_MS = 8000;
const LABELS_EVERY_MS = 400;
/** Areas are set anew at most this often. */
const AREAS_EVERY_MS = 1000;
const LABELS_FROM_ZOOM = 10;
const MOVING_LABELS_FROM_ZOOM = 12.5;

export class MapView {
  private readonly map: Map;
  private readonly signs: Signs[] = [];
  private readonly areas: Areas[] = [];
  private readonly ring: Flock;
  private readonly ringFleet: Fleet;
  private readonly stops: (() => void)[] = [];
  private readonly staleAreas = new Set<Areas>();
  private readonly visible = new globalThis.Map<string, boolean>();
  private chosen: string | null = null;
  private labelsDue = true;

  constructor(
    container: HTMLElement,
    private readonly city: City,
    private readonly mirror: Mirror,
    layers: Layer[],
    private shade: Shade,
    private readonly around: Surroundings,
    words: { zoomIn: string; zoomOut: string; map: string },
  ) {
    setWorkerUrl(new URL(workerUrl, document.baseURI).href);
    this.map = new Map({
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
      },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right');
    this.map.addControl(new ScaleControl({ maxWidth: 110 }), 'bottom-left');
    const origin = project(...centreOf(city));
    this.ring = new Flock(origin, true);
    this.ringFleet = new Fleet('chosen', this.ring);
    this.ringFleet.halo = PALETTES[shade].halo;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    for (const layer of layers) {
      this.visible.set(layer.id, layer.visible);
      if (layer.geometry === 'point') this.signs.push(new Signs(mirror, layer, origin, still));
      else this.areas.push(new Areas(this.map, mirror, layer));
    }
    this.map.once('load', () => this.start());
    const fold = setTimeout(() => this.foldSources(container), SOURCES_SHOWN_MS);
    this.stops.push(() => clearTimeout(fold));
  }

  show(layerId: string, visible: boolean): void {
    this.visible.set(layerId, visible);
    for (const signs of this.signs) if (signs.layer.id === layerId) signs.fleet.visible = visible;
    if (this.map.isStyleLoaded()) {
      for (const areas of this.areas) if (areas.layer.id === layerId) areas.show(visible);
    }
    this.labelsDue = true;
    this.map.triggerRepaint();
  }

  setShade(shade: Shade): void {
    if (shade === this.shade) return;
    this.shade = shade;
    const palette = PALETTES[shade];
    for (const [layer, property, value] of repaint(shade)) {
      if (this.map.getLayer(layer)) this.paint(layer, property, value);
    }
    if (this.map.getLayer(LABELS)) {
      for (const [name, value] of Object.entries(labelPaint(palette))) this.paint(LABELS, name, value);
    }
    for (const { fleet } of this.signs) this.tint(fleet);
    this.map.triggerRepaint();
  }

  /** Rings a thing, or none. */
  choose(id: string | null): void {
    this.chosen = id;
    this.placeRing();
  }

  /** Brings a thing into view if it is not there, and near enough to be told from its neighbours. */
  goTo(entity: Entity): void {
    const geometry = geometryOf(entity);
    if (!geometry) return;
    if (geometry.type !== 'Point' && geometry.type !== 'GeometryCollection') {
      const box = bounds(geometry.coordinates as never);
      if (box)
        this.map.fitBounds(box, {
          padding: { top: 60, left: 40, right: 40, bottom: 40 + this.covered() },
          maxZoom: 13,
          duration: 700,
        });
      return;
    }
    const point = pointOf(geometry);
    if (!point || this.isInSight(point)) return;
    this.map.easeTo({
      center: point,
      zoom: Math.max(12.5, this.map.getZoom()),
      offset: [0, -this.covered() / 2],
      duration: 700,
    });
  }

  private isInSight(point: [number, number]): boolean {
    const { x, y } = this.map.project(point);
    const { clientWidth: width, clientHeight: height } = this.map.getContainer();
    return this.map.getZoom() >= 11 && x > 40 && x < width - 40 && y > 60 && y < height - this.covered() - 40;
  }

  /** How much of the map the sheet covers on a phone, in pixels. */
  private covered(): number {
    const { clientWidth: width, clientHeight: height } = this.map.getContainer();
    return width < NARROW_PX ? height * 0.5 : 0;
  }

  home(): void {
    this.map.easeTo({ center: centreOf(this.city), zoom: this.city.zoom, duration: 700 });
  }

  resize(): void {
    this.map.resize();
  }

  /** Where a thing is drawn now, in degrees and in pixels of a map at rest; null where it is not on the map. */
  placeOnScreen(id: string): { longitude: number; latitude: number; x: number; y: number } | null {
    for (const { flock } of this.map.isMoving() ? [] : this.signs) {
      const found = flock.find(id, performance.now());
      if (!found) continue;
      const [longitude, latitude] = unproject(found[0] + flock.origin[0], found[1] + flock.origin[1]);
      const { x, y } = this.map.project([longitude, latitude]);
      return { longitude, latitude, x, y };
    }
    return null;
  }

  /** Frames drawn so far, for measurements. */
  countFrames(): () => number {
    let frames = 0;
    this.map.on('render', () => (frames += 1));
    return () => frames;
  }

  destroy(): void {
    for (const stop of this.stops) stop();
    this.map.remove();
  }

  private tint(fleet: Fleet): void {
    fleet.halo = PALETTES[this.shade].spriteHalo;
    fleet.lift = PALETTES[this.shade].lift;
  }

  private paint(layer: string, property: string, value: unknown): void {
    this.map.setPaintProperty(layer, property as never, value as never);
  }

  private start(): void {
    const palette = PALETTES[this.shade];
    this.map.addSource(LABELS, { type: 'geojson', data: labelFeatures([]) });
    this.map.addLayer(labelLayer(palette));
    for (const areas of this.areas) {
      areas.add('river-label');
      areas.show(this.visible.get(areas.layer.id) ?? true);
    }
    for (const signs of this.signs) {
      this.tint(signs.fleet);
      signs.fill();
      this.map.addLayer(signs.fleet, LABELS);
    }
    this.map.addLayer(this.ringFleet, LABELS);
    this.followMirror();
    this.followPointer();
    const labels = setInterval(() => this.drawLabels(), LABELS_EVERY_MS);
    const areas = setInterval(() => this.drawAreas(), AREAS_EVERY_MS);
    this.stops.push(
      () => clearInterval(labels),
      () => clearInterval(areas),
    );
    this.placeRing();
    this.map.on('move', () => (this.labelsDue = true));
    this.map.on('moveend', () => this.around.onMoved());
  }

  /** The sources are named at first and then one touch away. */
  private foldSources(container: HTMLElement): void {
    const sources = container.querySelector('.maplibregl-ctrl-attrib');
    sources?.classList.remove('maplibregl-compact-show');
    sources?.removeAttribute('open');
  }

  private followMirror(): void {
    for (const signs of this.signs) {
      for (const type of signs.layer.types) {
        this.stops.push(
          this.mirror.watch(type, (ids) => {
            signs.follow(type, ids);
            if (this.chosen && ids.has(this.chosen)) this.placeRing();
            this.labelsDue ||= this.isLabelled(signs);
            if (signs.fleet.visible) this.map.triggerRepaint();
          }),
        );
      }
    }
    for (const areas of this.areas) {
      for (const type of areas.layer.types) {
        this.stops.push(this.mirror.watch(type, () => this.staleAreas.add(areas)));
      }
    }
  }

  private followPointer(): void {
    this.map.on('click', (event) => this.around.onPick(this.pick(event.point.x, event.point.y)));
    let last = 0;
    this.map.on('mousemove', (event) => {
      if (event.originalEvent.timeStamp - last < 50) return;
      last = event.originalEvent.timeStamp;
      const id = this.pick(event.point.x, event.point.y);
      this.map.getCanvas().style.cursor = id ? 'pointer' : '';
      this.around.onHover(id, event.point.x, event.point.y);
    });
    this.map.on('mouseout', () => this.around.onHover(null, 0, 0));
  }

  /** The topmost thing at a place of the screen: signs first, then areas. */
  private pick(x: number, y: number): string | null {
    const zoom = this.map.getZoom();
    const size = 512 * 2 ** zoom;
    const at = this.map.unproject([x, y]);
    const [px, py] = project(at.lng, at.lat);
    for (const signs of this.signs.toReversed()) {
      if (!signs.fleet.visible || zoom < signs.fleet.minZoom) continue;
      const [ox, oy] = signs.flock.origin;
      const reach = signs.reach(zoom) / size;
      let best: string | null = null;
      let nearest = reach;
      const box: [number, number, number, number] = [
        px - ox - reach,
        py - oy - reach,
        px - ox + reach,
        py - oy + reach,
      ];
      signs.flock.within(box, performance.now(), (id, sx, sy) => {
        const distance = Math.hypot(sx + ox - px, sy + oy - py);
        if (distance <= nearest) [best, nearest] = [id, distance];
      });
      if (best) return best;
    }
    const layers = this.areas
      .filter((each) => this.visible.get(each.layer.id))
      .flatMap((each) => each.layerIds);
    const found = layers.length ? this.map.queryRenderedFeatures([x, y], { layers }) : [];
    return (found[0]?.properties['id'] as string | undefined) ?? null;
  }

  private drawAreas(): void {
    for (const areas of this.staleAreas) areas.refresh();
    this.staleAreas.clear();
  }

  private drawLabels(): void {
    if (!this.labelsDue || document.hidden) return;
    this.labelsDue = false;
    const view = this.map.getBounds();
    const [west, north] = project(view.getWest(), view.getNorth());
    const [east, south] = project(view.getEast(), view.getSouth());
    const labels: Label[] = [];
    for (const signs of this.signs) {
      const { layer, flock } = signs;
      if (!this.isLabelled(signs)) continue;
      const [ox, oy] = flock.origin;
      flock.within([west - ox, north - oy, east - ox, south - oy], performance.now(), (id, x, y) => {
        const entity = signs.find(id);
        if (!entity || labels.length > 2000) return;
        const [longitude, latitude] = unproject(x + ox, y + oy);
        labels.push({
          ...this.around.label(layer, entity),
          longitude,
          latitude,
          order: -layer.order,
          offset: lookOf(layer.icon).size / 42 + 0.25,
        });
      });
    }
    this.map.getSource<GeoJSONSource>(LABELS)?.setData(labelFeatures(labels));
  }

  private isLabelled({ layer, fleet }: Signs): boolean {
    const from = layer.rotate?.length ? MOVING_LABELS_FROM_ZOOM : LABELS_FROM_ZOOM;
    return fleet.visible && Boolean(layer.label) && this.map.getZoom() >= Math.max(from, layer.min_zoom ?? 0);
  }

  private placeRing(): void {
    for (const each of [...this.ringIds]) this.ring.remove(each);
    this.ringIds.clear();
    const seen =
      this.chosen === null
        ? undefined
        : this.signs.map((signs) => signs.find(this.chosen ?? '')).find(Boolean);
    const point = seen && pointOf(geometryOf(seen));
    if (seen && point) {
      this.ringIds.add(seen.id);
      this.ring.put(
        seen.id,
        {
          longitude: point[0],
          latitude: point[1],
          heading: 0,
          color: rgb(PALETTES[this.shade].label),
          body: bodyCell('ring', false),
          glyph: glyphCell('none'),
          size: 54,
          opacity: 255,
        },
        performance.now(),
      );
    }
    this.map.triggerRepaint();
  }

  private readonly ringIds = new Set<string>();
}

/** Where the map begins: as the city says, else amid its area, else at the mouth of the Ruhr. */
function centreOf(city: City): [number, number] {
  if (city.centre) return city.centre;
  return city.bbox ? [(city.bbox[0] + city.bbox[2]) / 2, (city.bbox[1] + city.bbox[3]) / 2] : [6.745, 51.447];
}
