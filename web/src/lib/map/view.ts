// The map as one object: MapLibre paints the ground, the overlay what moves on it.

import type { Map } from 'maplibre-gl';
import type { City, Layer } from '$lib/api/model';
import type { Entity } from '$lib/api/entities';
import type { Mirror } from '$lib/api/mirror.svelte';
import type { Shade } from '$lib/ui/theme.svelte';
import { Areas } from './areas';
import { repaint } from './basemap';
import { bounds, geometryOf, pointOf } from './drawing';
import { project, unproject, type Flock } from './flock';
import { groundOf, openMap, type MapWords } from './ground';
import type { Text, Wish } from './labels';
import { boxOf, corner, Overlay, worldSize, type Camera, type Scene } from './overlay';
import { Pace, type Timing } from './pace';
import { PALETTES } from './palette';
import { shapeOf } from './shapes';
import { nearest, Signs } from './signs';
import { scaleAt, Wardrobe, type Look } from './sprites';

/** What the map asks its surroundings: words, and to hear of a choice. */
export interface Surroundings {
  label(layer: Layer, entity: Entity): Text;
  onPick(id: string | null): void;
  onHover(id: string | null, x: number, y: number): void;
  onMoved(): void;
}

const NARROW_PX = 600;
const SOURCES_SHOWN_MS = 8000;
/** Areas are set anew at most this often. */
const AREAS_EVERY_MS = 1000;
/** What falls silent pales, what ends goes: looked at this often. */
const AGES_EVERY_MS = 60_000;
const HOVER_EVERY_MS = 50;
/** Of more wishes than this only some could be read anyway. */
const MOST_WISHES = 600;
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
  private readonly signs: Signs[] = [];
  private readonly areas: Areas[] = [];
  private readonly stops: (() => void)[] = [];
  private readonly staleAreas = new Set<Areas>();
  private readonly visible = new globalThis.Map<string, boolean>();
  private ringed: string | null = null;
  private started = false;

  constructor(
    private readonly container: HTMLElement,
    private readonly city: City,
    private readonly mirror: Mirror,
    layers: Layer[],
    private shade: Shade,
    private readonly around: Surroundings,
    words: MapWords,
  ) {
    this.map = openMap(container, city, shade, words);
    this.overlay = new Overlay(this, PALETTES[shade]);
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const wardrobe = new Wardrobe();
    for (const layer of layers) {
      this.visible.set(layer.id, layer.visible);
      if (layer.geometry === 'point') this.signs.push(new Signs(mirror, wardrobe, layer, still));
      else this.areas.push(new Areas(this.map, mirror, layer));
    }
    this.map.getCanvasContainer().append(this.overlay.canvas);
    this.followMirror();
    this.followPointer();
    this.map.on('render', () => this.overlay.paint());
    this.map.on('moveend', () => this.around.onMoved());
    this.map.once('load', () => this.start());
    void document.fonts.ready.then(() => this.overlay.forgetLabels());
    const pace = new Pace(groundOf(this.map), () => devicePixelRatio, TIMING);
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
    for (const signs of this.signs) if (signs.layer.id === layerId) signs.visible = visible;
    if (this.started) for (const areas of this.areas) if (areas.layer.id === layerId) areas.show(visible);
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

  /** Brings a thing into view if it is not there, and near enough to be told from its neighbours. */
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

  flocks(zoom: number): Flock<Look>[] {
    return this.signs.filter((signs) => signs.isShown(zoom)).map((signs) => signs.flock);
  }

  chosen(now: number): [number, number] | null {
    return this.ringed === null ? null : this.find(this.ringed, now);
  }

  wishes(camera: Camera, now: number): Wish[] {
    const wishes: Wish[] = [];
    const [left, top] = corner(camera);
    const size = worldSize(camera);
    for (const signs of this.signs) {
      if (!signs.isLabelled(camera.zoom)) continue;
      const distance = (shapeOf(signs.layer.icon).size * scaleAt(camera.zoom)) / 2.6 + 2;
      signs.flock.within(boxOf(camera, 0), now, (id, x, y) => {
        const entity = wishes.length < MOST_WISHES ? signs.find(id) : undefined;
        if (!entity) return;
        const text = this.around.label(signs.layer, entity);
        if (!text.name && !text.value) return;
        wishes.push({
          ...text,
          id,
          x: (x - left) * size,
          y: (y - top) * size,
          distance,
          order: signs.layer.order,
        });
      });
    }
    return wishes;
  }

  private start(): void {
    this.started = true;
    for (const areas of this.areas) {
      areas.add('river-label');
      areas.show(this.visible.get(areas.layer.id) ?? true);
    }
  }

  private find(id: string, now: number): [number, number] | null {
    for (const { flock } of this.signs) {
      const place = flock.find(id, now);
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

  private followMirror(): void {
    for (const signs of this.signs) {
      signs.fill();
      for (const type of signs.layer.types) {
        const stop = this.mirror.watch(type, (ids) => {
          signs.follow(type, ids);
          if (!document.hidden) this.overlay.invalidate();
        });
        this.stops.push(stop);
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
      if (event.originalEvent.timeStamp - last < HOVER_EVERY_MS) return;
      last = event.originalEvent.timeStamp;
      const id = this.pick(event.point.x, event.point.y);
      this.map.getCanvas().style.cursor = id ? 'pointer' : '';
      this.around.onHover(id, event.point.x, event.point.y);
    });
    this.map.on('mouseout', () => this.around.onHover(null, 0, 0));
  }

  /** The topmost thing at a place of the screen: signs first, then areas. */
  private pick(x: number, y: number): string | null {
    const camera = this.camera();
    const size = worldSize(camera);
    const [left, top] = corner(camera);
    const sign = nearest(this.signs, camera.zoom, [left + x / size, top + y / size], size);
    if (sign) return sign;
    const layers = this.started
      ? this.areas.filter((each) => this.visible.get(each.layer.id)).flatMap((each) => each.layerIds)
      : [];
    const found = layers.length ? this.map.queryRenderedFeatures([x, y], { layers }) : [];
    return (found[0]?.properties['id'] as string | undefined) ?? null;
  }

  private lookAgain(): void {
    for (const signs of this.signs) signs.fill();
    for (const areas of this.areas) this.staleAreas.add(areas);
    this.overlay.invalidate();
  }

  private drawAreas(): void {
    if (!this.started) return;
    for (const areas of this.staleAreas) areas.refresh();
    this.staleAreas.clear();
  }
}
