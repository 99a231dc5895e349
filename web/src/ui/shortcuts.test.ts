import { describe, expect, it } from 'vitest';
import { letterOf, shortcut } from './shortcuts';

const key = (k: string, more: object = {}) =>
  ({ altKey: true, ctrlKey: false, metaKey: false, shiftKey: false, isComposing: false, key: k, code: `Key${k.toUpperCase()}`, ...more });

describe('shortcuts', () => {
  it('Alt and a letter, in either case', () => {
    expect([letterOf(key('p')), letterOf(key('P'))]).toEqual(['P', 'P']);
  });
  it('never what types a character: AltGr, Ctrl+Alt, no Alt, composition', () => {
    expect(letterOf(key('è', { code: 'BracketLeft' }))).toBeNull();
    expect(letterOf(key('p', { altKey: false }))).toBeNull();
    expect(letterOf(key('e', { ctrlKey: true }))).toBeNull();
    expect(letterOf(key('e', { getModifierState: (m: string) => m === 'AltGraph' }))).toBeNull();
    expect(letterOf(key('p', { isComposing: true }))).toBeNull();
    expect(letterOf(key('1', { code: 'Digit1' }))).toBeNull();
  });
  it('Option on a Mac is named by the place of the key', () => {
    expect(letterOf(key('π', { code: 'KeyP' }))).toBe('P');
  });
  it('no two actions share a letter, none is the address bar (D), File or Edit (F, E)', () => {
    const letters = Object.values(shortcut) as string[];
    expect(new Set(letters).size).toBe(letters.length);
    for (const taken of ['D', 'F', 'E']) expect(letters).not.toContain(taken);
  });
});
