import { describe, expect, test } from 'vitest';
import { staleAfter, staleCondition } from './stale';

const layer = (more: object) => ({ rotate: [], label: null, chart: null, ...more });
const now = new Date('2026-11-22T12:00:00Z');

describe('what is stale', () => {
  test('a layer says after how long; what moves is so after a quarter of an hour', () => {
    expect(staleAfter(layer({ stale_after_s: 60, rotate: ['heading'] }))).toBe(60);
    expect(staleAfter(layer({ rotate: ['heading'] }))).toBe(900);
    expect(staleAfter(layer({ label: 'level' }))).toBeNull();
  });

  test('the reading that is shown counts, and the place of what moves', () => {
    expect(staleCondition(layer({ stale_after_s: 3600, label: 'level' }), now)).toBe(
      'level.observedAt<2026-11-22T11:00:00.000Z',
    );
    expect(staleCondition(layer({ rotate: ['heading'], label: 'name' }), now)).toBe(
      'location.observedAt<2026-11-22T11:45:00.000Z',
    );
    expect(staleCondition(layer({ stale_after_s: 60 }), now)).toBeNull();
  });
});
