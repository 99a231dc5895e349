import { useEffect, useRef, type KeyboardEvent } from 'react';
import { useT } from '../i18n';

interface Props { reasons: string[]; onChoose: (reason: string) => void; onClose: (back: boolean) => void }

/** The reasons of Not ready as a menu: arrows, first letters, Esc (WAI-ARIA menu button). */
export function ReasonMenu({ reasons, onChoose, onClose }: Props) {
  const t = useT();
  const list = useRef<HTMLUListElement>(null);
  const items = (): HTMLElement[] => [...(list.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
  useEffect(() => {
    items()[0]?.focus();
    const outside = (e: PointerEvent): void => {
      if (list.current?.parentElement?.contains(e.target as Node) !== true) onClose(false);
    };
    window.addEventListener('pointerdown', outside);
    return () => window.removeEventListener('pointerdown', outside);
  }, []);

  const onKeyDown = (e: KeyboardEvent): void => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const go = (i: number): void => { e.preventDefault(); all.at(i % all.length)?.focus(); };
    if (e.key === 'ArrowDown') go(at + 1);
    else if (e.key === 'ArrowUp') go(at - 1);
    else if (e.key === 'Home') go(0);
    else if (e.key === 'End') go(-1);
    else if (e.key === 'Escape') { e.preventDefault(); onClose(true); }
    else if (e.key === 'Tab') onClose(false);
    else if (/^[a-z]$/i.test(e.key) && !e.altKey) all.find((x) => x.textContent?.toLowerCase().startsWith(e.key.toLowerCase()))?.focus();
  };

  return (
    <ul ref={list} className="la2-menu" role="menu" aria-label={t('bar.reason')} data-testid="reasons" onKeyDown={onKeyDown}
      onBlur={(e) => { if (!e.currentTarget.contains(e.relatedTarget) && e.relatedTarget !== null) onClose(false); }}>
      {reasons.map((r) => (
        <li key={r} role="none"><button type="button" role="menuitem" tabIndex={-1} data-reason={r} onClick={() => onChoose(r)}>{t.of('reason', r)}</button></li>
      ))}
    </ul>
  );
}
