import { describe, expect, test } from 'vitest';
import {
  formatAge,
  formatDuration,
  formatMoment,
  momentIn,
  formatPlace,
  formatTime,
  formatValue,
  shortId,
  type Reader,
} from './format';

const de: Reader = { language: 'de', zone: 'Europe/Berlin' };
const en: Reader = { language: 'en', zone: 'Europe/Berlin' };
const now = new Date('2026-11-22T12:00:00Z');

describe('times', () => {
  test('stand in the city’s zone, without the day where it is today', () => {
    expect(formatTime(new Date('2026-11-22T11:05:00Z'), now, de)).toBe('12:05');
    expect(formatTime(new Date('2026-11-21T11:05:00Z'), now, de)).toBe('21.11., 12:05');
    expect(formatTime(new Date('2025-11-21T11:05:00Z'), now, en)).toBe('21/11/2025, 12:05');
  });

  test('the day changes at the city’s midnight, not at UTC’s', () => {
    expect(formatTime(new Date('2026-11-21T23:30:00Z'), now, de)).toBe('00:30');
  });

  test('summer time is the city’s', () => {
    expect(formatMoment(new Date('2026-07-01T10:00:00Z'), de)).toContain('12:00:00');
  });

  test('a moment that is none is a dash', () => {
    expect(formatTime(new Date('x'), now, de)).toBe('–');
    expect(formatAge(new Date('x'), now, de)).toBe('–');
  });
});

describe('ages', () => {
  test.each([
    ['2026-11-22T11:59:58Z', 'jetzt'],
    ['2026-11-22T11:59:20Z', 'vor 40 Sek.'],
    ['2026-11-22T11:57:00Z', 'vor 3 Min.'],
    ['2026-11-22T09:00:00Z', 'vor 3 Std.'],
    ['2026-11-20T12:00:00Z', 'vorgestern'],
    ['2026-11-22T12:10:00Z', 'in 10 Min.'],
  ])('%s is %s', (moment, said) => {
    expect(formatAge(new Date(moment), now, de)).toBe(said);
  });

  test('a duration names its two largest units', () => {
    expect(formatDuration(45_210, en)).toBe('12 hr 33 min');
    expect(formatDuration(200_000, de)).toBe('2 Tg. 7 Std.');
    expect(formatDuration(42, de)).toBe('42 Sek.');
  });
});

describe('values', () => {
  test('a quantity has its unit and the language’s separators', () => {
    expect(formatValue(1234.567, de, now, 'MQS')).toBe('1.234,57\u202fm³/s');
    expect(formatValue(58.6, en, now, 'DD')).toBe('58.6°');
  });

  test('a whole number without a unit may be an identifier', () => {
    expect(formatValue(205628000, de, now)).toBe('205628000');
  });

  test('texts come in the reader’s language, else in one that is there', () => {
    expect(formatValue({ languageMap: { de: 'Sturm', en: 'Storm' } }, en, now)).toBe('Storm');
    expect(formatValue({ languageMap: { nl: 'storm' } }, de, now)).toBe('storm');
  });

  test('JSON-LD moments, places, truth and nothing are said in words', () => {
    expect(formatValue({ '@type': 'DateTime', '@value': '2026-11-22T11:05:00Z' }, de, now)).toBe('12:05');
    expect(formatValue({ type: 'Point', coordinates: [6.745, 51.447] }, de, now)).toBe(
      '51,4470° N, 6,7450° O',
    );
    expect(formatValue(true, de, now)).toBe('ja');
    expect(formatValue(null, de, now)).toBe('–');
    expect(formatPlace([], en)).toBe('–');
  });

  test('an id is shortened to what tells it apart', () => {
    expect(shortId('urn:ngsi-ld:Vessel:mmsi:211000000')).toBe('mmsi:211000000');
    expect(shortId('https://x.example/1')).toBe('https://x.example/1');
  });

  test('a time of a form is the city\u2019s, in winter and in summer', () => {
    expect(momentIn('2026-11-22T14:30', 'Europe/Berlin')?.toISOString()).toBe('2026-11-22T13:30:00.000Z');
    expect(momentIn('2026-07-01T14:30', 'Europe/Berlin')?.toISOString()).toBe('2026-07-01T12:30:00.000Z');
    expect(momentIn('2026-03-29T03:00', 'Europe/Berlin')?.toISOString()).toBe('2026-03-29T01:00:00.000Z');
    expect(momentIn('2026-07-01T14:30', 'America/New_York')?.toISOString()).toBe('2026-07-01T18:30:00.000Z');
    expect(momentIn('', 'Europe/Berlin')).toBeNull();
    expect(momentIn('soon', 'Europe/Berlin')).toBeNull();
  });
});
