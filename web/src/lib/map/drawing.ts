// What a layer's JSON means for one entity: its colour, heading, and whether it is over. Pure.

import type { Entity } from '$lib/api/entities';
import type { Layer, Severity } from '$lib/api/model';

export const SEVERITY_COLORS: Record<Severity, string> = {
  informational: '#2f7fb0',
  low: '#2c8f74',
  medium: '#b97a00',
  high: '#d1501f',
  critical: '#c31c2e',
};

/** The attribute that names the things of a layer. */
export function titleAttributeOf(layer: Layer): string {
  return layer.title_attribute ?? 'name';
}

export function colorOf(layer: Layer, entity: Entity): string {
  const by = layer.color_by;
  return (by && by.colors[String(entity[by.attribute])]) ?? layer.color;
}

/** Degrees clockwise from north, or null where it is not known. */
export function headingOf(layer: Layer, entity: Entity): number | null {
  for (const name of layer.rotate ?? []) {
    const value = entity[name];
    if (typeof value === 'number') return value;
  }
  return null;
}

export function isSimulated(entity: Entity): boolean {
  return entity['simulated'] === true;
}

const OVER = new Set(['ended', 'resolved', 'closed', 'expired']);

/** A warning, alert or incident that no longer holds is neither drawn nor listed; `end` names the attribute with its end. */
export function isOver(entity: Entity, now: Date, end?: string | null): boolean {
  if (OVER.has(String(entity['status'] ?? '').toLowerCase())) return true;
  const until = entity[end ?? 'validTo'];
  const text = typeof until === 'object' && until !== null && '@value' in until ? until['@value'] : until;
  return typeof text === 'string' && new Date(text).getTime() <= now.getTime();
}
