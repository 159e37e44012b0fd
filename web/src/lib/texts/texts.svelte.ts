// The words of the screen in German and English, and of what packs bring with them.

import type { Agency, City, PackWords, Titled } from '$lib/api/model';
import { shortId } from '$lib/ui/format';
import { builtBooks, type Book, type Language } from './books';
import type { Counted, Key } from './keys';

export type { Book, Counted, Key, Language };
export type Values = Record<string, string | number>;

const STORED = 'rhinecloud.language';

export class Texts {
  language = $state<Language>('de');
  /** The city's time zone. */
  zone = $state('Europe/Berlin');
  private books = $state.raw(builtBooks());
  private packs = $state.raw<Partial<Record<string, PackWords>>[]>([]);

  constructor(
    private readonly memory: Pick<Storage, 'getItem' | 'setItem'>,
    preferred: readonly string[],
  ) {
    const stored = memory.getItem(STORED);
    this.language = stored === 'de' || stored === 'en' ? stored : choose(preferred);
  }

  use(language: Language): void {
    this.language = language;
    this.memory.setItem(STORED, language);
  }

  /** Adds the texts of a module from elsewhere; a key that exists keeps its text. */
  add(books: Record<Language, Book>): void {
    this.books = { de: { ...books.de, ...this.books.de }, en: { ...books.en, ...this.books.en } };
  }

  /** Takes the words of the city's packs. */
  usePacks(city: City): void {
    this.zone = city.timezone;
    this.packs = city.packs.map((pack) => pack.texts ?? {});
  }

  /** The text of a key with `{name}` filled in. */
  say = (key: Key, values: Values = {}): string => fill(this.own(key) ?? key, values);

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

  /** A title: the text of a key, or a text in both languages. */
  title = (title: Key | Titled, values: Values = {}): string =>
    typeof title === 'string' ? this.say(title, values) : this.titled(title);

  /** What a coded word means, by the key `<prefix>.<word>`; a word without a text is made readable. */
  coded = (prefix: string, word: string): string => this.own(`${prefix}.${word}`) ?? spaced(word);

  /** The name of a category of incidents or alerts. */
  category = (name: string): string => (name ? this.coded('category', name) : '–');

  /** The name of an agency; of one that is not known, its id. */
  agency = (agencies: readonly Agency[], id: string): string => {
    const found = agencies.find((each) => each.id === id);
    return found ? this.titled(found.names ?? found.name) : shortId(id);
  };

  /** A text that comes in several languages, or in one. */
  titled = (said: Titled | Readonly<Record<string, unknown>> | string | null | undefined): string => {
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
    return this.books[this.language][key];
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
