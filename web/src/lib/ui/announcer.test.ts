import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Announcer } from './announcer.svelte';

describe('notices', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const texts = (announcer: Announcer) => announcer.notices.map((each) => each.text);

  test('pass by themselves, but those that stay do not', () => {
    const announcer = new Announcer();
    announcer.say('success', 'saved');
    announcer.say('danger', 'flood', { href: '#/alerts/1', stays: true });
    vi.advanceTimersByTime(60_000);
    expect(texts(announcer)).toEqual(['flood']);
  });

  test('are gone when what they are about is opened', () => {
    const announcer = new Announcer();
    announcer.say('danger', 'flood', { href: '#/alerts/1', stays: true });
    announcer.say('danger', 'fire', { href: '#/alerts/2', stays: true });
    announcer.seen('#/alerts/1');
    expect(texts(announcer)).toEqual(['fire']);
  });

  test('that pass do not push out those that stay', () => {
    const announcer = new Announcer();
    announcer.say('danger', 'flood', { stays: true });
    for (let each = 0; each < 6; each += 1) announcer.say('info', `n${each}`);
    expect(texts(announcer)).toEqual(['flood', 'n2', 'n3', 'n4', 'n5']);
  });
});
