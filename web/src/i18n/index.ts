// Texts of the desktop. Italian is the source; English is complete; the other
// six languages of the service have their place and fall back key by key, so a
// translation can grow in steps.

import { createContext, useContext } from 'react';
import { en } from './en';
import { it, type Key, type Texts } from './it';

export type { Key } from './it';
export const languages = ['it', 'en', 'fr', 'es', 'de', 'ru', 'zh', 'ja'] as const;
export type Language = (typeof languages)[number];

const texts: Record<Language, Partial<Texts>> = { it, en, fr: {}, es: {}, de: {}, ru: {}, zh: {}, ja: {} };

/** Each language named in itself. */
export const names: Record<Language, string> = {
  it: 'Italiano', en: 'English', fr: 'Français', es: 'Español', de: 'Deutsch', ru: 'Русский', zh: '中文', ja: '日本語',
};

/** Languages with texts of their own. */
export const offered = (): Language[] => languages.filter((l) => Object.keys(texts[l]).length > 0);

export type Params = Record<string, string | number>;
export interface Translate {
  (key: Key, params?: Params): string;
  /** The text of prefix.value, or the value itself when there is none (a reason or topic of the node's own). */
  of(prefix: string, value: string): string;
  lang: Language;
}

export function translator(lang: Language): Translate {
  const find = (key: string): string | undefined => {
    for (const set of [texts[lang], lang === 'it' ? it : en, it]) {
      const text = (set as Record<string, string | undefined>)[key];
      if (text !== undefined) return text;
    }
    return undefined;
  };
  const t = ((key: Key, params: Params = {}) =>
    (find(key) ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole)).trim()) as Translate;
  t.of = (prefix, value) => find(`${prefix}.${value}`) ?? plain(value);
  t.lang = lang;
  return t;
}

/** back_office → Back office */
const plain = (value: string): string => {
  const words = value.replace(/[_-]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const Lang = createContext<Translate>(translator('it'));
export const useT = (): Translate => useContext(Lang);

const stored = 'la2.language';

export function readLanguage(): Language {
  const own = localStorage.getItem(stored);
  return (languages as readonly string[]).includes(own ?? '') ? (own as Language) : 'it';
}

export function keepLanguage(lang: Language): void {
  localStorage.setItem(stored, lang);
}
