// A layer of points: follows the mirror and keeps the flock that is drawn.

import type { Layer } from '$lib/api/model';
import type { Entity } from '$lib/api/entities';
import type { Mirror, Seen } from '$lib/api/mirror.svelte';
import { colorOf, geometryOf, headingOf, isOver, isSimulated, pointOf, rgb } from './drawing';
import { Fleet } from './fleet';
import { Flock } from './flock';
import { bodyCell, glyphCell, lookOf } from './shapes';

/** After this long without news a thing that moves is drawn faintly. */
export const FADES_AFTER_MS = 15 * 60_000;
const FAINT = 110;

export class Signs {
  readonly flock: Flock;
  readonly fleet: Fleet;

  constructor(
    private readonly mirror: Mirror,
    readonly layer: Layer,
    origin: [number, number],
    still: boolean,
  ) {
    this.flock = new Flock(origin, still);
    this.fleet = new Fleet(`signs-${layer.id}`, this.flock);
    this.fleet.minZoom = layer.min_zoom ?? 0;
    this.fleet.visible = layer.visible;
  }

  /** Takes over everything that the mirror holds. */
  fill(): void {
    for (const type of this.layer.types) {
      this.follow(type, new Set(this.mirror.all(type).keys()));
    }
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

  /** The radius within which a finger or pointer meets a sign, in pixels. */
  reach(zoom: number): number {
    return Math.max(9, (lookOf(this.layer.icon).size * this.fleet.scale(zoom)) / 2);
  }

  private put({ entity, at }: Seen, now: Date, now_ms: number): void {
    const point = pointOf(geometryOf(entity));
    if (!point || isOver(entity, now)) {
      this.flock.remove(entity.id);
      return;
    }
    const look = lookOf(this.layer.icon);
    const heading = headingOf(this.layer, entity);
    const old = heading !== null && at !== '' && now.getTime() - new Date(at).getTime() > FADES_AFTER_MS;
    this.flock.put(
      entity.id,
      {
        longitude: point[0],
        latitude: point[1],
        heading: heading ?? 0,
        color: rgb(colorOf(this.layer, entity)),
        body: bodyCell(heading === null ? look.still : look.moving, isSimulated(entity)),
        glyph: glyphCell(look.glyph),
        size: look.size,
        opacity: old ? FAINT : 255,
      },
      now_ms,
    );
  }
}
