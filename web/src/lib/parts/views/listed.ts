// Which things of a layer are listed beside the map. Pure.

import type { Entity } from '$lib/api/entities';
import type { Listed } from '$lib/api/model';
import { isOver } from '$lib/map/drawing';

/** What was only referred to, by another warning, has no title and nothing to say; what is over is not listed. */
export function isInForce(listed: Listed, entity: Entity, now: Date): boolean {
  return (
    entity[listed.title] !== undefined &&
    (!listed.while || entity[listed.while.attribute] === listed.while.value) &&
    !isOver(entity, now, listed.until)
  );
}
