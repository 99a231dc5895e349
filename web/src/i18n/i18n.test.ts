import { describe, expect, it as test } from 'vitest';
import { en } from './en';
import { offered, translator } from './index';
import { it } from './it';

const holes = (s: string): string[] => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? '').sort();

describe('texts', () => {
  test('English has the keys and the holes of Italian', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(it).sort());
    for (const [key, text] of Object.entries(it)) expect(holes(en[key as keyof typeof en]), key).toEqual(holes(text));
  });
  test('a language without texts falls back, and is not offered', () => {
    expect(translator('fr')('bar.ready')).toBe('Ready');
    expect(offered()).toEqual(['it', 'en']);
  });
  test('a value without a text is shown readable', () => {
    expect(translator('it').of('reason', 'pausa')).toBe('Pausa');
    expect(translator('it').of('reason', 'corso_interno')).toBe('Corso interno');
  });
  test('fills the holes', () => {
    expect(translator('it')('app.station', { device: '1001' })).toBe('Postazione 1001');
  });
});
