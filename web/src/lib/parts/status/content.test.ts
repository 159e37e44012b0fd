import { describe, expect, test } from 'vitest';
import { readContent } from './content';

const base64 = (...bytes: number[]): string => btoa(String.fromCharCode(...bytes));
const ofText = (text: string): string => base64(...new TextEncoder().encode(text));

describe('the content of a dead letter', () => {
  test('is shown as the text that it is', () => {
    expect(readContent(ofText('Pegel;Höhe\nRuhrort;412'))).toEqual({
      text: 'Pegel;Höhe\nRuhrort;412',
      binary: false,
    });
  });

  test('is set out in lines where it is JSON', () => {
    expect(readContent(ofText('{"level":412}')).text).toBe('{\n  "level": 412\n}');
    expect(readContent(ofText('{"level":')).text).toBe('{"level":');
  });

  test('is shown as numbers where it is no text', () => {
    expect(readContent(base64(0, 255, 16))).toEqual({ text: '00 ff 10', binary: true });
  });

  test('is cut after a few thousand bytes', () => {
    const shown = readContent(ofText('a'.repeat(10_000)));
    expect(shown.text).toHaveLength(4098);
    expect(shown.text.endsWith('…')).toBe(true);
  });
});
