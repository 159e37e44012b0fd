import { expect, test } from 'vitest';
import type { Client } from './client';
import { EntityStore } from './store.svelte';

const gauge = (level: number) => ({ id: 'urn:g:1', type: 'Gauge', level });

test('an answer that is older than a change does not hide it', () => {
  const store = new EntityStore({} as Client);
  void store.follow({ types: [], box: null, everywhere: ['Gauge'] });
  const at = '2026-11-22T12:00:02Z';
  const more = { seq: 1, kind: 'updated' as const, id: 'urn:g:1', type: ['Gauge'], changed: ['level'] };
  store.apply([{ ...more, at, entity: gauge(407) }]);
  const stop = store.watchEntity('urn:g:1', { entity: gauge(401), at: '2026-11-22T12:00:01Z' });
  expect(store.find('urn:g:1')?.entity['level']).toBe(407);
  stop();
  const again = store.watchEntity('urn:g:1', { entity: gauge(410), at: '2026-11-22T12:00:03Z' });
  expect(store.find('urn:g:1')?.entity['level']).toBe(410);
  again();
});
