// The pages of the operations centre, in the order of the navigation.

import type { Actor } from '$lib/api/model';
import type { IconName } from '$lib/ui/Icon.svelte';

export const PAGES = ['situation', 'alerts', 'incidents', 'status', 'admin'] as const;
export type Page = (typeof PAGES)[number];

export const PAGE_ICONS: Record<Page, IconName> = {
  situation: 'map',
  alerts: 'alert',
  incidents: 'incident',
  status: 'pulse',
  admin: 'sliders',
};

/** The pages that somebody may see. */
export function pagesFor(actor: Actor): Page[] {
  return PAGES.filter((page) => page !== 'admin' || actor.roles.includes('admin'));
}

export function pageOf(segment: string, pages: readonly Page[]): Page {
  return pages.find((page) => page === segment) ?? 'situation';
}
