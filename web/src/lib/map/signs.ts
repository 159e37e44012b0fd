// A layer of points: follows the mirror and keeps the flock that is drawn.

import type { Layer } from '$lib/api/model';
import type { Entity } from '$lib/api/entities';
import type { Mirror, Seen } from '$lib/api/mirror.svelte';
import { colorOf, geometryOf, headingOf, isOver, isSimulated, pointOf } from './drawing';
import { Flock } from './flock';
import { shapeOf } from './shapes';
import { scaleAt, type Look, type Wardrobe } from './sprites';

/** After this long without news a thing that moves is drawn faintly. */
const FADES_AFTER_MS = 15 * 60_000;
const LABELS_FROM_ZOOM = 10;
const MOVING_LABELS_FROM_ZOOM = 12.5;

export class Signs {
  readonly flock: Flock<Look>;
  visible: boolean;

  constructor(
    private readonly mirror: Mirror,
    private readonly wardrobe: Wardrobe,
    readonly layer: Layer,
    still: boolean,
  ) {
    this.flock = new Flock(still);
    this.visible = layer.visible;
  }

  /** Takes over everything that the mirror holds. */
  fill(): void {
    for (const type of this.layer.types) this.follow(type, new Set(this.mirror.all(type).keys()));
  }

  /** Takes over what changed. */
  follow(type: string, ids: ReadonlySet<string>): void {
    const [now, now_ms] = [new Date(), performance.now()];
    for (const id of ids) {
      const seen = this.mirror.peek(type, id);
      if (seen) this.put(seen, now, now_ms);
      else this.flock.remove(id);
    }
  }

  find(id: string): Entity | undefined {
    for (const type of this.layer.types) {
      const seen = this.mirror.peek(type, id);
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

  /** The radius within which a finger or pointer meets a sign, in pixels. */
  reach(zoom: number): number {
    return Math.max(9, (shapeOf(this.layer.icon).size * scaleAt(zoom)) / 2);
  }

  private put({ entity, at }: Seen, now: Date, now_ms: number): void {
    const point = pointOf(geometryOf(entity));
    if (!point || isOver(entity, now)) {
      this.flock.remove(entity.id);
      return;
    }
    const heading = headingOf(this.layer, entity);
    const moves = Boolean(this.layer.rotate?.length);
    const faint = moves && at !== '' && now.getTime() - new Date(at).getTime() > FADES_AFTER_MS;
    const [longitude, latitude] = point;
    this.flock.put(
      entity.id,
      { longitude, latitude, heading: heading ?? 0, look: this.look(entity, heading, faint) },
      now_ms,
    );
  }

  private look(entity: Entity, heading: number | null, faint: boolean): Look {
    const shape = shapeOf(this.layer.icon);
    return this.wardrobe.find({
      body: heading === null ? shape.still : shape.moving,
      glyph: shape.glyph,
      color: colorOf(this.layer, entity),
      hollow: isSimulated(entity),
      turns: heading !== null,
      size: shape.size,
      faint,
    });
  }
}

/** The topmost sign within reach of a place (Mercator units; `size` pixels a unit), the nearest of its layer. */
export function nearest(
  layers: Signs[],
  zoom: number,
  [x, y]: [number, number],
  size: number,
): string | null {
  for (const signs of layers.toReversed()) {
    if (!signs.isShown(zoom)) continue;
    const reach = signs.reach(zoom) / size;
    let best: string | null = null;
    let distance = reach;
    signs.flock.within([x - reach, y - reach, x + reach, y + reach], performance.now(), (id, sx, sy) => {
      const apart = Math.hypot(sx - x, sy - y);
      if (apart <= distance) [best, distance] = [id, apart];
    });
    if (best) return best;
  }
  return null;
}
