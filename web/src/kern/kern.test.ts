import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the icons in the style sheet are those that Icon.svelte names', () => {
  const listed = (source: string, from: string, to: string) =>
    [...(source.split(from)[1]?.split(to)[0] ?? '').matchAll(/'([a-z-]+)'/g)]
      .map(([, name]) => name)
      .toSorted();
  const named = listed(read('../lib/ui/Icon.svelte'), 'const KERN = [', ']');
  expect(named.length).toBeGreaterThan(20);
  expect(listed(read('./_icons.scss'), '$icons:', ';')).toEqual(named);
});
