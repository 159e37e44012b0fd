// All texts of this build: the core's, and those in the folders of the parts.

import de from './de.json';
import en from './en.json';

export type Language = 'de' | 'en';
export type Book = Record<string, string>;

const OF_PARTS = import.meta.glob<Book>('../parts/*/texts/*.json', { eager: true, import: 'default' });

export function builtBooks(): Record<Language, Book> {
  const books: Record<Language, Book> = { de: { ...de }, en: { ...en } };
  for (const [path, book] of Object.entries(OF_PARTS)) {
    Object.assign(books[path.endsWith('/de.json') ? 'de' : 'en'], book);
  }
  return books;
}
