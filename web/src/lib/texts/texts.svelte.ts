// The words of the screen in German and English, and of what packs bring with them.

import type { City, PackWords, Titled } from '$lib/api/model';
import de from './de.json';
import en from './en.json';

export type Language = 'de' | 'en';
export type Key = keyof typeof en;
export type Values = Record<string, string | number>;

const BOOKS: Record<Language, Record<Key, string>> = { de, en };
const KEPT = 'rhinecloud.language';

/** The stem of keys that come in two forms, `x.one` and `x.other`. */
export type Counted = Key extends infer K ? (K extends `${infer Stem}.other` ? Stem : never) : never;

export class Texts {
  language = $state<Language>('de');
  /** The city's time zone. */
  zone = $state('Europe/Berlin');
  private packs = $state.raw<Partial<Record<string, PackWords>>[]>([]);

  constructor(
    private readonly memory: Pick<Storage, 'getItem' | 'setItem'>,
    preferred: readonly string[],
  ) {
    const kept = memory.getItem(KEPT);
    this.language = kept === 'de' || kept === 'en' ? kept : choose(preferred);
  }

  use(language: Language): void {
    this.language = language;
    this.memory.setItem(KEPT, language);
  }

  /** Takes over the words of the city's packs. */
  learn(city: City): void {
    this.zone = city.timezone;
    this.packs = city.packs.map((pack) => pack.texts ?? {});
  }

  /** The text of a key with `{name}` filled in. */
  say = (key: Key, values: Values = {}): string => fill(BOOKS[this.language][key] ?? key, values);

  /** The text of a number of things: `key.one` or `key.other`, with `{count}` filled in. */
  count = (key: Counted, count: number, values: Values = {}): string => {
    const form = new Intl.PluralRules(this.language).select(count) === 'one' ? 'one' : 'other';
    const shown = new Intl.NumberFormat(this.language).format(count);
    return this.say(`${key}.${form}` as Key, { count: shown, ...values });
  };

  /** What the city's packs call a type. */
  type = (name: string): string => this.word('types', name) ?? this.own(`type.${name}`) ?? spaced(name);

  /** What the city's packs call an attribute. */
  attribute = (name: string): string =>
    this.word('attributes', name) ?? this.own(`attribute.${name}`) ?? spaced(name);

  /** What a coded value of an attribute means, where a pack says so. */
  value = (attribute: string, value: unknown): string | undefined => {
    for (const pack of this.packs) {
      const found = (pack[this.language] ?? pack['en'])?.values?.[attribute]?.[String(value)];
      if (found) return found;
    }
    return this.own(`value.${attribute}.${String(value)}`);
  };

  /** What a role is called. */
  role = (name: string): string => this.own(`role.${name}`) ?? name;

  /** How a feed is. */
  feedState = (name: string): string => this.own(`feed.${name}`) ?? spaced(name);

  /** How the stream is. */
  streamState = (name: string): string => this.own(`stream.${name}`) ?? spaced(name);

  /** How a subscription is. */
  subscriptionState = (name: string): string => this.own(`subscriptions.${name}`) ?? spaced(name);

  /** Why an incident was closed. */
  reason = (name: string): string => this.own(`reason.${name}`) ?? spaced(name);

  /** What a kind of incident or alert is called. */
  category = (name: string): string => (name ? (this.own(`category.${name}`) ?? spaced(name)) : '–');

  /** A text that comes in several languages, or in one. */
  titled = (said: Titled | Record<string, unknown> | string | null | undefined): string => {
    if (typeof said === 'string') return said;
    const texts = ((said as Record<string, unknown> | null)?.['languageMap'] ?? said ?? {}) as Record<
      string,
      string
    >;
    return texts[this.language] ?? texts['en'] ?? Object.values(texts)[0] ?? '';
  };

  private word(kind: 'types' | 'attributes', name: string): string | undefined {
    for (const pack of this.packs) {
      const found = (pack[this.language] ?? pack['en'])?.[kind]?.[name];
      if (found) return found;
    }
    return undefined;
  }

  private own(key: string): string | undefined {
    return (BOOKS[this.language] as Record<string, string>)[key];
  }
}

function choose(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    if (tag.toLowerCase().startsWith('de')) return 'de';
    if (tag.toLowerCase().startsWith('en')) return 'en';
  }
  return 'en';
}

export function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** `speedOverGround` becomes `Speed over ground`: a name nobody translated is still readable. */
export function spaced(name: string): string {
  const tail = name.split(/[/#:]/).pop() ?? name;
  const words = tail.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
  return words.charAt(0).toUpperCase() + words.slice(1);
}
