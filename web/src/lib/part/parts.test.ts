// The rules that let anybody add a part: the rest of the screen names none, and no part names another.

import { describe, expect, test } from 'vitest';

const FILES = import.meta.glob<string>(['../../**/*.ts', '../../**/*.svelte', '!../../**/*.test.ts'], {
  eager: true,
  query: '?raw',
  import: 'default',
});
/** By path below `src/lib`. */
const SOURCES = Object.fromEntries(
  Object.entries(FILES).map(([path, source]) => [path.replace(/^\.\//, '../part/'), source]),
);
const TEXTS = import.meta.glob<Record<string, string>>('../parts/*/texts/*.json', {
  eager: true,
  import: 'default',
});

const partOf = (path: string) => /\/parts\/([^/]+)\//.exec(path)?.[1];
const parts = new Set(Object.keys(TEXTS).map(partOf));

describe('parts', () => {
  test('each is found by its folder', () => {
    expect([...parts].toSorted()).toEqual(
      Object.keys(SOURCES)
        .filter((path) => path.endsWith('/part.ts') && partOf(path))
        .map(partOf)
        .toSorted(),
    );
    expect(parts.size).toBeGreaterThan(5);
  });

  test('nothing outside of a part imports from it, and no part imports from another', () => {
    for (const [path, source] of Object.entries(SOURCES)) {
      for (const [, imported] of source.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
        const target = /parts\/([^/]+)\//.exec(imported ?? '')?.[1];
        expect(target === undefined || target === partOf(path), `${path} imports ${imported}`).toBe(true);
      }
    }
  });

  test('the workplace, the header, the router and the registry name no part, page or type of one', () => {
    const frame = Object.entries(SOURCES).filter(([path]) =>
      /\/routes\/|\/App\.svelte|\/ui\/router|\/part\//.test(path),
    );
    expect(frame.length).toBeGreaterThan(5);
    const names = [...parts, 'situation', 'admin', 'Alert', 'Incident', 'Task'].join('|');
    for (const [path, source] of frame) {
      const code = source.replace(/ role="\w+"|^\s*(\/\/|\*|<!--).*$/gm, '');
      const named = new RegExp(`['"\`](?:#?/)?(${names})(?:['"\`/]|\\.title)`).exec(code);
      expect(named?.[1], path).toBeUndefined();
    }
  });

  test('the keys of a part’s texts begin with its name, so that two parts never share one', () => {
    for (const [path, texts] of Object.entries(TEXTS)) {
      for (const key of Object.keys(texts)) expect(key.startsWith(`${partOf(path)}.`), key).toBe(true);
    }
  });
});
