import { describe, expect, test } from 'vitest';
import type { Listed } from '$lib/api/model';
import { isInForce } from './listed';

const listed = {
  title: 'headline',
  until: 'ends',
  while: { attribute: 'status', value: 'active' },
} as unknown as Listed;
const now = new Date('2026-12-01T12:00:00Z');
const warning = (more: object) => ({ id: 'urn:x:1', type: 'WeatherAlert', headline: 'Sturm', ...more });

describe('the list beside the map', () => {
  test('has what is in force', () => {
    expect(isInForce(listed, warning({ status: 'active' }), now)).toBe(true);
    expect(isInForce(listed, warning({ status: 'active', ends: '2026-12-01T12:01:00Z' }), now)).toBe(true);
  });

  test('has neither what ended nor what expired, as a text or as a DateTime', () => {
    expect(isInForce(listed, warning({ status: 'ended' }), now)).toBe(false);
    expect(isInForce(listed, warning({ status: 'active', ends: '2010-08-30T18:00:00Z' }), now)).toBe(false);
    const ends = { '@type': 'DateTime', '@value': '2026-12-01T12:00:00Z' };
    expect(isInForce(listed, warning({ status: 'active', ends }), now)).toBe(false);
  });

  test('has nothing that was only referred to', () => {
    expect(isInForce(listed, { id: 'urn:x:2', type: 'WeatherAlert', status: 'active' }, now)).toBe(false);
  });
});
