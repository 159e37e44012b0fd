// A timeline entry in words.

import type { TimelineEntry } from '$lib/api/model';
import type { Key, Texts } from '$lib/texts/texts.svelte';
import en from '$lib/texts/en.json';

export interface Told {
  what: string;
  who: string;
  text: string;
}

export function tell(entry: TimelineEntry, texts: Texts, agencyName: (id: string) => string): Told {
  const key = `timeline.${entry.kind}`;
  const details: Record<string, string> = {};
  for (const [name, value] of Object.entries(entry)) {
    if (typeof value === 'string' || typeof value === 'number') details[name] = String(value);
  }
  if (details['agency']) details['agency'] = agencyName(details['agency']);
  if (details['severity']) details['severity'] = texts.say(`severity.${details['severity']}` as Key);
  if (details['reason']) details['reason'] = texts.reason(details['reason']);
  return {
    what: key in en ? texts.say(key as Key, details) : entry.kind,
    who: person(entry.actor, texts),
    text: texts.titled(entry.text),
  };
}

function person(actor: string, texts: Texts): string {
  if (!actor || actor.startsWith('part:')) return texts.say('timeline.house');
  return actor.split(':').pop() ?? actor;
}
