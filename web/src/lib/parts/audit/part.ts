// The audit trail: a section of the administration.

import { definePart } from '$lib/part/part';
import type en from './texts/en.json';

export const part = definePart<undefined>({
  name: 'audit',
  administration: [
    { name: 'audit', title: 'audit.short', order: 50, view: () => import('./AuditTrail.svelte') },
  ],
});

type Texts = typeof en;
declare module '$lib/texts/keys' {
  interface TextKeys extends Texts {}
}
