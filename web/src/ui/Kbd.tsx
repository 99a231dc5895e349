import { shortcut, type Shortcut } from './shortcuts';

/** The visible name of a shortcut; the button carries aria-keyshortcuts. */
export function Kbd({ of }: { of: Shortcut }) {
  return <kbd aria-hidden="true">Alt+{shortcut[of]}</kbd>;
}

export const keys = (of: Shortcut): { 'aria-keyshortcuts': string } => ({ 'aria-keyshortcuts': `Alt+${shortcut[of]}` });
