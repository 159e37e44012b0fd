// The keys of all texts. A part adds those of its own folder by declaration merging, beside its `part.ts`:
//
//   declare module '$lib/texts/keys' { interface TextKeys extends Texts {} }   // Texts: typeof its en.json

import type core from './en.json';

type CoreTexts = typeof core;

export interface TextKeys extends CoreTexts {}
export type Key = keyof TextKeys & string;
/** The stem of keys that come in two forms, `x.one` and `x.other`. */
export type Counted = Key extends infer K ? (K extends `${infer Stem}.other` ? Stem : never) : never;
