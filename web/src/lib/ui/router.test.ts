import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Router } from './router.svelte';

let events: EventTarget;

beforeEach(() => {
  events = new EventTarget();
  vi.stubGlobal('location', { hash: '#/situation?at=1,2' });
  vi.stubGlobal('addEventListener', events.addEventListener.bind(events));
  vi.stubGlobal('removeEventListener', events.removeEventListener.bind(events));
  vi.stubGlobal('history', {
    state: null,
    replaceState: (_state: unknown, _title: string, address: string) => {
      location.hash = address;
    },
  });
});

afterEach(() => vi.unstubAllGlobals());

test('a page writes its view into its own address', () => {
  const router = new Router();
  router.start();
  expect([router.page, router.parameters.get('at')]).toEqual(['situation', '1,2']);
  router.describe({ at: '3,4' });
  expect(location.hash).toBe('#/situation?at=3,4');
});

test('a page whose view changes while somebody goes elsewhere does not call them back', () => {
  const router = new Router();
  router.start();
  location.hash = '#/incidents/urn%3Ax'; // the event that says so comes later
  router.describe({ at: '3,4' });
  events.dispatchEvent(new Event('hashchange'));
  expect([location.hash, router.page, router.id]).toEqual(['#/incidents/urn%3Ax', 'incidents', 'urn:x']);
});
