// The map as one object: MapLibre paints the base map, the overlay everything that moves.

import type { Map } from 'maplibre-gl';
import type { City, Layer } from '$lib/api/model';
import type { Entity } from '$lib/api/entities';
import type { Box } from '$lib/api/geometry';
import type { EntityStore } from '$lib/api/store.svelte';
import { gather } from '$lib/ui/debounce';
import type { Shade } from '$lib/ui/theme.svelte';
import { AreaLayer } from './area-layer';
import { repaint } from './basemap';
import { centreOf } from './first-view';
import { bounds, geometryOf, pointOf } from '$lib/api/geometry';
import { project, unproject, type MovingPoints } from './points';
import { baseMapOf, homeButton, openMap, type MapWords } from './maplibre';
import type { Text, LabelRequest } from './labels';
import { boxOf, corner, Overlay, worldSize, type Camera, type Scene } from './overlay';
import { AdaptiveResolution, type Timing } from './resolution';
import { PALETTES } from './palette';
import type { IconSet } from './shapes';
import { nearest, PointLayer } from './point-layer';
import { scaleAt, StyleCache, type SymbolStyle } from './sprites';

/** What the map needs from the page: labels, and callbacks for what a user does. */
export interface MapCallbacks {
  label(layer: Layer, entity: Entity): Text;
  onPick(id: string | null): void;
  onHover(id: string | null, x: number, y: number): void;
  /** After each move, with where the map is. */
  onMoved(place: { centre: [number, number]; zoom: number }): void;
  /** What is in view, at first and after each move. */
  onView(view: { box: Box; zoom: number }): void;
}

const NARROW_PX = 600;
const SOURCES_SHOWN_MS = 8000;
/** AreaLayer are set anew at most this often. */
const AREAS_EVERY_MS = 1000;
/** What falls silent pales, what ends goes: looked at this often. */
const AGES_EVERY_MS = 60_000;
const HOVER_EVERY_MS = 50;
/** While the map is moved, what is in view is loaded at most this often. */
const VIEW_EVERY_MS = 300;
/** At most so many labels are considered: no more could be read. */
const MOST_LABEL_REQUESTS = 600;
const TIMING: Timing = {
  now: () => performance.now(),
  soon: (call) => queueMicrotask(call),
  after: (milliseconds, call) => {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

export class MapView implements Scene {
  private readonly map: Map;
  private readonly overlay: Overlay;
  private readonly pointLayers: PointLayer[] = [];
  private readonly areaLayers: AreaLayer[] = [];
  private readonly stops: (() => void)[] = [];
  private readonly staleAreas = new Set<AreaLayer>();
  private readonly visible = new globalThis.Map<string, boolean>();
  private ringed: string | null = null;
  private started = false;

  constructor(
    private readonly container: HTMLElement,
    private readonly city: City,
    private readonly entityStore: EntityStore,
    layers: Layer[],
    icons: IconSet,
    private shade: Shade,
    private readonly callbacks: MapCallbacks,
    words: MapWords,
  ) {
    this.map = openMap(container, city, shade, words);
    this.overlay = new Overlay(this, PALETTES[shade]);
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const styles = new StyleCache();
    for (const layer of layers) {
      this.visible.set(layer.id, layer.visible);
      if (layer.geometry === 'point')
        this.pointLayers.push(new PointLayer(entityStore, styles, icons, layer, still));
      else this.areaLayers.push(new AreaLayer(this.map, entityStore, layer));
    }
    this.map.getCanvasContainer().append(this.overlay.canvas);
    this.followStore();
    this.followPointer();
    this.map.on('render', () => this.overlay.paint());
    this.map.on('moveend', () => {
      const { lng, lat } = this.map.getCenter();
      this.callbacks.onMoved({ centre: [lng, lat], zoom: this.map.getZoom() });
    });
    this.map.on(
      'moveend',
      gather(VIEW_EVERY_MS, () => this.tellView()),
    );
    this.tellView();
    this.map.once('load', () => this.start());
    void document.fonts.ready.then(() => this.overlay.forgetLabels());
    const pace = new AdaptiveResolution(baseMapOf(this.map), () => devicePixelRatio, TIMING);
    const fold = setTimeout(() => this.foldSources(), SOURCES_SHOWN_MS);
    const tidy = setInterval(() => this.drawAreas(), AREAS_EVERY_MS);
    const age = setInterval(() => this.lookAgain(), AGES_EVERY_MS);
    this.stops.push(
      () => pace.stop(),
      () => clearTimeout(fold),
      () => clearInterval(tidy),
      () => clearInterval(age),
    );
  }

  show(layerId: string, visible: boolean): void {
    this.visible.set(layerId, visible);
    for (const layer of this.pointLayers) if (layer.layer.id === layerId) layer.visible = visible;
    if (this.started)
      for (const layer of this.areaLayers) if (layer.layer.id === layerId) layer.show(visible);
    this.overlay.forgetLabels();
  }

  setShade(shade: Shade): void {
    if (shade === this.shade) return;
    this.shade = shade;
    for (const [layer, property, value] of repaint(shade, this.city.tiles_url)) {
      if (this.map.getLayer(layer)) this.map.setPaintProperty(layer, property as never, value as never);
    }
    this.overlay.paintWith(PALETTES[shade]);
  }

  /** The table stands before the map. */
  hide(hidden: boolean): void {
    this.overlay.hide(hidden);
  }

  /** Labels in another language. */
  renameAll(): void {
    this.overlay.forgetLabels();
  }

  /** Rings a thing, or none. */
  choose(id: string | null): void {
    this.ringed = id;
    this.overlay.invalidate();
  }

  /** Brings a thing into view if it is not there, and near enough to be distinguished from its neighbours. */
  goTo(entity: Entity): void {
    const geometry = geometryOf(entity);
    const point = pointOf(geometry);
    if (!geometry || !point) return;
    if (geometry.type !== 'Point' && geometry.type !== 'GeometryCollection') {
      const box = bounds(geometry.coordinates as never);
      const padding = { top: 60, left: 40, right: 40, bottom: 40 + this.covered() };
      if (box) this.map.fitBounds(box, { padding, maxZoom: 13, duration: 700 });
    } else if (!this.isInSight(point)) {
      const zoom = Math.max(12.5, this.map.getZoom());
      this.map.easeTo({ center: point, zoom, offset: [0, -this.covered() / 2], duration: 700 });
    }
  }

  jumpTo(centre: [number, number], zoom: number): void {
    this.map.jumpTo({ center: centre, zoom });
  }

  /** Adds the button that leads back to where the city begins. */
  addHome(city: City, label: string): void {
    const go = () => this.map.easeTo({ center: centreOf(city), zoom: city.zoom, duration: 700 });
    this.map.addControl(homeButton(label, go), 'bottom-right');
  }

  resize(): void {
    this.map.resize();
    this.overlay.invalidate();
  }

  /** Where a thing is drawn now, in degrees and in pixels of a map at rest; null where it is not on the map. */
  placeOnScreen(id: string): { longitude: number; latitude: number; x: number; y: number } | null {
    const place = this.map.isMoving() ? null : this.find(id, performance.now());
    if (!place) return null;
    const [longitude, latitude] = unproject(...place);
    const camera = this.camera();
    const [left, top] = corner(camera);
    const size = worldSize(camera);
    return { longitude, latitude, x: (place[0] - left) * size, y: (place[1] - top) * size };
  }

  /** Frames of what moves drawn so far, for measurements. */
  get frames(): number {
    return this.overlay.frames;
  }

  destroy(): void {
    for (const stop of this.stops) stop();
    this.overlay.stop();
    this.map.remove();
  }

  camera(): Camera {
    const { lng, lat } = this.map.getCenter();
    const [x, y] = project(lng, lat);
    const { clientWidth: width, clientHeight: height } = this.container;
    return { x, y, zoom: this.map.getZoom(), width, height };
  }

  pointSets(zoom: number): MovingPoints<SymbolStyle>[] {
    return this.pointLayers.filter((layer) => layer.isShown(zoom)).map((layer) => layer.points);
  }

  chosen(now: number): [number, number] | null {
    return this.ringed === null ? null : this.find(this.ringed, now);
  }

  labelRequests(camera: Camera, now: number): LabelRequest[] {
    const labelRequests: LabelRequest[] = [];
    const [left, top] = corner(camera);
    const size = worldSize(camera);
    for (const layer of this.pointLayers) {
      if (!layer.isLabelled(camera.zoom)) continue;
      const distance = (layer.shape.size * scaleAt(camera.zoom)) / 2.6 + 2;
      layer.points.within(boxOf(camera, 0), now, (id, x, y) => {
        const entity = labelRequests.length < MOST_LABEL_REQUESTS ? layer.find(id) : undefined;
        if (!entity) return;
        const text = this.callbacks.label(layer.layer, entity);
        if (!text.name && !text.value) return;
        labelRequests.push({
          ...text,
          id,
          x: (x - left) * size,
          y: (y - top) * size,
          distance,
          order: layer.layer.order,
        });
      });
    }
    return labelRequests;
  }

  private tellView(): void {
    const bounds = this.map.getBounds();
    const box: Box = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
    this.callbacks.onView({ box, zoom: this.map.getZoom() });
  }

  private start(): void {
    this.started = true;
    for (const layer of this.areaLayers) {
      layer.add('river-label');
      layer.show(this.visible.get(layer.layer.id) ?? true);
    }
  }

  private find(id: string, now: number): [number, number] | null {
    for (const { points } of this.pointLayers) {
      const place = points.find(id, now);
      if (place) return place;
    }
    return null;
  }

  private isInSight(point: [number, number]): boolean {
    const { x, y } = this.map.project(point);
    const { clientWidth: width, clientHeight: height } = this.container;
    return this.map.getZoom() >= 11 && x > 40 && x < width - 40 && y > 60 && y < height - this.covered() - 40;
  }

  /** How much of the map the sheet covers on a phone, in pixels. */
  private covered(): number {
    const { clientWidth: width, clientHeight: height } = this.container;
    return width < NARROW_PX ? height * 0.5 : 0;
  }

  /** The sources are named at first and then one touch away. */
  private foldSources(): void {
    const sources = this.container.querySelector('.maplibregl-ctrl-attrib');
    sources?.classList.remove('maplibregl-compact-show');
    sources?.removeAttribute('open');
  }

  private followStore(): void {
    for (const layer of this.pointLayers) {
      layer.fill();
      for (const type of layer.layer.types) {
        const stop = this.entityStore.watch(type, (ids) => {
          layer.follow(type, ids);
          if (!document.hidden) this.overlay.invalidate();
        });
        this.stops.push(stop);
      }
    }
    for (const layer of this.areaLayers) {
      for (const type of layer.layer.types) {
        this.stops.push(this.entityStore.watch(type, () => this.staleAreas.add(layer)));
      }
    }
  }

  private followPointer(): void {
    this.map.on('click', (event) => this.callbacks.onPick(this.pick(event.point.x, event.point.y)));
    let last = 0;
    this.map.on('mousemove', (event) => {
      if (event.originalEvent.timeStamp - last < HOVER_EVERY_MS) return;
      last = event.originalEvent.timeStamp;
      const id = this.pick(event.point.x, event.point.y);
      this.map.getCanvas().style.cursor = id ? 'pointer' : '';
      this.callbacks.onHover(id, event.point.x, event.point.y);
    });
    this.map.on('mouseout', () => this.callbacks.onHover(null, 0, 0));
  }

  /** The topmost thing at a place of the screen: layer first, then layer. */
  private pick(x: number, y: number): string | null {
    const camera = this.camera();
    const size = worldSize(camera);
    const [left, top] = corner(camera);
    const sign = nearest(this.pointLayers, camera.zoom, [left + x / size, top + y / size], size);
    if (sign) return sign;
    const layers = this.started
      ? this.areaLayers.filter((each) => this.visible.get(each.layer.id)).flatMap((each) => each.layerIds)
      : [];
    const found = layers.length ? this.map.queryRenderedFeatures([x, y], { layers }) : [];
    return (found[0]?.properties['id'] as string | undefined) ?? null;
  }

  private lookAgain(): void {
    for (const layer of this.pointLayers) layer.fill();
    for (const layer of this.areaLayers) this.staleAreas.add(layer);
    this.overlay.invalidate();
  }

  private drawAreas(): void {
    if (!this.started) return;
    for (const layer of this.staleAreas) layer.refresh();
    this.staleAreas.clear();
  }
}
