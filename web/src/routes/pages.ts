// The pages of the operations centre, in the order of the navigation.

import type { IconName } from '$lib/ui/Icon.svelte';

export const PAGES = ['situation', 'alerts', 'incidents', 'status'] as const;
export type Page = (typeof PAGES)[number];

export const PAGE_ICONS: Record<Page, IconName> = {
  situation: 'map',
  alerts: 'alert',
  incidents: 'incident',
  status: 'pulse',
};

export function pageOf(segment: string): Page {
  return (PAGES as readonly string[]).includes(segment) ? (segment as Page) : 'situation';
}
