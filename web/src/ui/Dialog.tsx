import { useEffect, useId, useRef, type ReactNode } from 'react';
import { useT } from '../i18n';
import { Icon } from './Icon';

interface Props { title: string; children: ReactNode; onClose: () => void; wide?: boolean; testId?: string }

/** A modal dialog: the browser keeps the focus inside, Esc closes, and the focus goes back where it was. */
export function Dialog({ title, children, onClose, wide = false, testId }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const t = useT();
  useEffect(() => {
    const before = document.activeElement;
    const dialog = ref.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>('[data-autofocus=true]')?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={ref} className={wide ? 'la2-dialog wide' : 'la2-dialog'} aria-labelledby={id} data-testid={testId}
      onCancel={(e) => { e.preventDefault(); onClose(); }}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" className="la2-plain" onClick={onClose} aria-label={t('app.close')}><Icon name="close" /></button>
      </header>
      {children}
    </dialog>
  );
}
