import { useEffect, useRef } from 'react';

/** Alt with a letter. Letters avoid those by which browsers open their own menus where they can. */
export const shortcut = {
  ready: 'P', notready: 'N', answer: 'O', hold: 'A', transfer: 'T', hangup: 'R', emergency: 'U',
  form: 'M', call: 'L', save: 'S', close: 'C', tracking: 'I', help: 'K',
} as const;

export type Shortcut = keyof typeof shortcut;

/** The letter of an Alt shortcut, null for typing: AltGr (also as Ctrl+Alt) makes characters, Alt alone does not. */
export function letterOf(e: Pick<KeyboardEvent, 'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'key' | 'code' | 'isComposing'> & { getModifierState?: (k: string) => boolean }): string | null {
  if (!e.altKey || e.ctrlKey || e.metaKey || e.shiftKey || e.isComposing) return null;
  if (e.getModifierState?.('AltGraph')) return null;
  if (/^[a-z]$/i.test(e.key)) return e.key.toUpperCase();
  // On a Mac Option makes another character of the letter; the key's place still names it.
  return /^Key[A-Z]$/.test(e.code) ? e.code.slice(3) : null;
}

/** Calls the action of a shortcut anywhere on the page, except under a modal dialog. */
export function useShortcuts(actions: Partial<Record<Shortcut, () => void>>): void {
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      const letter = letterOf(e);
      if (letter === null) return;
      const name = (Object.keys(shortcut) as Shortcut[]).find((k) => shortcut[k] === letter);
      if (name === undefined) return;
      e.preventDefault(); // also where it does nothing now: no browser menu opens by surprise
      if (e.repeat || document.querySelector('dialog[open]') !== null) return;
      current.current[name]?.();
    };
    window.addEventListener('keydown', onKey, true);
    return () => window.removeEventListener('keydown', onKey, true);
  }, []);
}
