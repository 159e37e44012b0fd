// A layer of points: follows the entity store and updates the positions and styles that are drawn.

import type { Layer } from '$lib/api/model';
import type { Entity } from '$lib/api/entities';
import type { EntityStore, Seen } from '$lib/api/store.svelte';
import { staleAfter } from '$lib/api/stale';
import { colorOf, headingOf, isOver, isSimulated } from './drawing';
import { geometryOf, pointOf } from '$lib/api/geometry';
import { MovingPoints } from './points';
import type { IconSet, Shape } from './shapes';
import { scaleAt, type SymbolStyle, type StyleCache } from './sprites';

const LABELS_FROM_ZOOM = 10;
const MOVING_LABELS_FROM_ZOOM = 12.5;

export class PointLayer {
  readonly points: MovingPoints<SymbolStyle>;
  visible: boolean;
  readonly shape: Shape;

  constructor(
    private readonly entityStore: EntityStore,
    private readonly styles: StyleCache,
    private readonly icons: IconSet,
    readonly layer: Layer,
    still: boolean,
  ) {
    this.points = new MovingPoints(still);
    this.visible = layer.visible;
    this.shape = icons.get(layer.icon);
  }

  /** Takes everything that the entity store holds. */
  fill(): void {
    for (const type of this.layer.types) this.follow(type, new Set(this.entityStore.all(type).keys()));
  }

  /** Takes over what changed. */
  follow(type: string, ids: ReadonlySet<string>): void {
    const [now, now_ms] = [new Date(), performance.now()];
    for (const id of ids) {
      const seen = this.entityStore.peek(type, id);
      if (seen) this.put(seen, now, now_ms);
      else this.points.remove(id);
    }
  }

  find(id: string): Entity | undefined {
    for (const type of this.layer.types) {
      const seen = this.entityStore.peek(type, id);
      if (seen) return seen.entity;
    }
    return undefined;
  }

  isShown(zoom: number): boolean {
    return this.visible && zoom >= (this.layer.min_zoom ?? 0);
  }

  isLabelled(zoom: number): boolean {
    const from = this.layer.rotate?.length ? MOVING_LABELS_FROM_ZOOM : LABELS_FROM_ZOOM;
    return this.isShown(zoom) && Boolean(this.layer.label) && zoom >= from;
  }

  /** The radius within which a finger or pointer meets a symbol, in pixels. */
  reach(zoom: number): number {
    return Math.max(9, (this.shape.size * scaleAt(zoom)) / 2);
  }

  private put({ entity, at }: Seen, now: Date, now_ms: number): void {
    const point = pointOf(geometryOf(entity));
    if (!point || isOver(entity, now)) {
      this.points.remove(entity.id);
      return;
    }
    const heading = headingOf(this.layer, entity);
    const faint = this.isStale(entity.id, at, now);
    const [longitude, latitude] = point;
    this.points.put(
      entity.id,
      { longitude, latitude, heading: heading ?? 0, style: this.styleOf(entity, heading, faint) },
      now_ms,
    );
  }

  /** No news for longer than the layer's things report, or news of an old reading. */
  private isStale(id: string, at: string, now: Date): boolean {
    const after = staleAfter(this.layer);
    if (after === null) return false;
    const silent = at !== '' && now.getTime() - new Date(at).getTime() > after * 1000;
    return silent || this.entityStore.isStale(this.layer.id, id);
  }

  private styleOf(entity: Entity, heading: number | null, faint: boolean): SymbolStyle {
    const { shape } = this;
    const turns = Boolean(this.layer.rotate.length);
    const still = turns ? this.icons.unknownHeading : shape.still;
    return this.styles.find({
      body: heading === null ? still : shape.moving,
      glyph: shape.glyph,
      color: colorOf(this.layer, entity),
      hollow: isSimulated(entity),
      turns: heading !== null,
      size: shape.size,
      faint,
    });
  }
}

/** The topmost symbol within reach of a place (Mercator units; `size` pixels a unit), the nearest of its layer. */
export function nearest(
  layers: PointLayer[],
  zoom: number,
  [x, y]: [number, number],
  size: number,
): string | null {
  for (const layer of layers.toReversed()) {
    if (!layer.isShown(zoom)) continue;
    const reach = layer.reach(zoom) / size;
    let best: string | null = null;
    let distance = reach;
    layer.points.within([x - reach, y - reach, x + reach, y + reach], performance.now(), (id, sx, sy) => {
      const apart = Math.hypot(sx - x, sy - y);
      if (apart <= distance) [best, distance] = [id, apart];
    });
    if (best) return best;
  }
  return null;
}
