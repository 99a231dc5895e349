import { useContext, useState, type ReactNode } from 'react';
import { Header, HeaderContent, HeaderRightZone } from 'design-react-kit';
import type { Session } from '../api/types';
import { names, offered, useT, type Language } from '../i18n';
import { Icon } from '../ui/Icon';
import { keys } from '../ui/Kbd';
import { useShortcuts } from '../ui/shortcuts';
import { Desktop } from './context';
import { ShortcutList } from './ShortcutList';

interface Props { session: Session | null; onLanguage: (l: Language) => void; children: ReactNode }

/** Slim header of the public administration, the page, the footer. */
export function Frame({ session, onLanguage, children }: Props) {
  const t = useT();
  const controller = useContext(Desktop);
  const [help, setHelp] = useState(false);
  useShortcuts({ help: () => setHelp(true) });
  return (
    <>
      <a className="la2-skip" href="#main">{t('app.skip')}</a>
      <header>
        <Header type="slim">
          <HeaderContent>
            <div className="la2-brand"><Icon name="pa" /><span>{session?.site.name ?? 'Linea Amica'}</span></div>
            <HeaderRightZone>
              <label className="la2-lang">
                <span className="visually-hidden">{t('app.language')}</span>
                <select value={t.lang} onChange={(e) => onLanguage(e.target.value as Language)}>
                  {offered().map((l) => <option key={l} value={l} lang={l}>{names[l]}</option>)}
                </select>
              </label>
              {session && (
                <>
                  <span className="la2-who"><Icon name="user" /> <strong>{session.name}</strong> · {t('app.station', { device: session.device })}</span>
                  <button type="button" className="la2-out" data-testid="logout" onClick={() => void controller?.logout()}><Icon name="logout" /> {t('app.logout')}</button>
                </>
              )}
            </HeaderRightZone>
          </HeaderContent>
        </Header>
      </header>
      {children}
      <footer className="la2-footer">
        <span>{t('app.footer')}</span>
        <nav aria-label="footer">
          <a href="/accessibilita.html" data-testid="accessibility">{t('app.accessibility')}</a>
          <button type="button" className="la2-link" onClick={() => setHelp(true)} {...keys('help')}>{t('app.shortcuts')} <kbd aria-hidden="true">Alt+K</kbd></button>
        </nav>
      </footer>
      {help && <ShortcutList onClose={() => setHelp(false)} />}
    </>
  );
}
