import { describe, expect, test } from 'vitest';
import type { City } from '$lib/api/model';
import { builtBooks } from './books';
import { fill, spaced, Texts } from './texts.svelte';

const memory = (kept: Record<string, string> = {}) => ({
  getItem: (key: string) => kept[key] ?? null,
  setItem: (key: string, value: string) => void (kept[key] = value),
});

describe('texts', () => {
  test('both languages have the same keys, with the same gaps to fill', () => {
    const { de, en } = builtBooks();
    expect(Object.keys(de).toSorted()).toEqual(Object.keys(en).toSorted());
    const gaps = (text: string) => (text.match(/\{\w+\}/g) ?? []).toSorted();
    for (const [key, text] of Object.entries(en)) {
      if (!key.endsWith('.one')) expect(gaps(de[key] ?? ''), key).toEqual(gaps(text));
      expect(de[key]?.trim(), key).not.toBe('');
    }
  });

  test('the language is the one kept, else the browser’s, else English', () => {
    expect(new Texts(memory(), ['fr', 'de-AT']).language).toBe('de');
    expect(new Texts(memory(), ['fr']).language).toBe('en');
    expect(new Texts(memory({ 'rhinecloud.language': 'en' }), ['de']).language).toBe('en');
  });

  test('numbers of things have their forms', () => {
    const texts = new Texts(memory(), ['de']);
    expect(texts.count('views.table.found', 1)).toBe('1 Objekt');
    expect(texts.count('views.table.found', 1225)).toBe('1.225 Objekte');
  });

  test('packs bring words of their own; what nobody translated is still readable', () => {
    const texts = new Texts(memory(), ['de']);
    const words = {
      types: { Vessel: 'Schiff' },
      attributes: { draught: 'Tiefgang' },
      values: { status: { '5': 'festgemacht' } },
    };
    texts.usePacks({
      timezone: 'Europe/Berlin',
      packs: [{ name: 'port', title: 'Port', texts: { de: words } }],
    } as unknown as City);
    expect(texts.type('Vessel')).toBe('Schiff');
    expect(texts.attribute('draught')).toBe('Tiefgang');
    expect(texts.value('status', 5)).toBe('festgemacht');
    expect(texts.attribute('speedOverGround')).toBe('Speed over ground');
    expect(texts.type('Incident')).toBe('Vorfall');
  });

  test('a text with languages is told in the reader’s, else in what there is', () => {
    const texts = new Texts(memory(), ['de']);
    expect(texts.titled({ de: 'Pegel', en: 'Gauges' })).toBe('Pegel');
    expect(texts.titled({ nl: 'peil' })).toBe('peil');
    expect(texts.titled(null)).toBe('');
  });

  test('a gap without a value stays visible', () => {
    expect(fill('{a} and {b}', { a: 1 })).toBe('1 and {b}');
    expect(spaced('urn:x:waterLevel')).toBe('Water level');
  });
});
