import { useEffect } from 'react';
import { useT } from '../i18n';
import type { Call } from '../state/desk';
import { useLabel } from './context';

/** While a call rings the title of the tab alternates, unless motion is unwelcome: then it just says so. */
export function useRingingTitle(call: Call | undefined): void {
  const t = useT();
  const label = useLabel();
  const ringing = call?.state === 'ringing' ? t('title.ringing', { queue: label(call.queue || call.service) }) : '';
  useEffect(() => {
    const calm = t('app.title');
    document.title = ringing || calm;
    if (ringing === '' || window.matchMedia('(prefers-reduced-motion: reduce)').matches) return () => { document.title = calm; };
    let on = true;
    const timer = setInterval(() => {
      on = !on;
      document.title = on ? ringing : calm;
    }, 1000);
    return () => {
      clearInterval(timer);
      document.title = calm;
    };
  }, [ringing, t]);
}
