import { useEffect, useMemo, useRef, useState } from 'react';
import { Problem, session as sessions } from '../api/http';
import type { Session } from '../api/types';
import { keepLanguage, Lang, readLanguage, translator, type Language } from '../i18n';
import { Tabs, type TabRole } from '../state/tabs';
import { Controller } from './controller';
import { Desktop } from './context';
import { Desk } from './Desk';
import { Frame } from './Frame';
import { Login } from './Login';
import { SecondTab } from './SecondTab';

/** Is the agent writing in the ticket form? */
function typing(): boolean {
  const el = document.activeElement;
  return el instanceof HTMLElement && el.closest('[data-form]') !== null && /^(input|textarea|select)$/i.test(el.tagName);
}

export function App() {
  const [lang, setLang] = useState<Language>(readLanguage);
  const t = useMemo(() => translator(lang), [lang]);
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [expired, setExpired] = useState(false);
  const [tab, setTab] = useState<TabRole>('asking');
  const tabs = useRef<Tabs | null>(null);

  useEffect(() => {
    document.documentElement.lang = lang;
    document.title = t('app.title');
  }, [lang, t]);

  useEffect(() => {
    let gone = false;
    const ask = (): void => {
      sessions.read().then((s) => { if (!gone) setSession(s); }, (e: unknown) => {
        if (gone) return;
        if (e instanceof Problem && e.status === 401) setSession(null);
        else setTimeout(ask, 1000); // the node is starting: it will answer
      });
    };
    ask();
    return () => { gone = true; };
  }, []);

  useEffect(() => {
    const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('la2');
    const all = new Tabs(channel, setTab);
    tabs.current = all;
    all.start();
    const close = (): void => all.close();
    window.addEventListener('pagehide', close);
    return () => {
      window.removeEventListener('pagehide', close);
      all.close();
    };
  }, []);

  const controller = useMemo(() => (session ? new Controller(session, (late) => {
    setExpired(late);
    setSession(null);
  }, typing) : null), [session]);

  useEffect(() => {
    if (controller === null || tab !== 'holder') return;
    controller.start();
    return () => controller.stop();
  }, [controller, tab]);

  const changeLang = (l: Language): void => {
    keepLanguage(l);
    setLang(l);
  };

  let page;
  if (session === undefined || (session !== null && tab === 'asking')) page = <p className="la2-loading" role="status">{t('app.loading')}</p>;
  else if (session === null) page = <Login expired={expired} onSession={(s) => { setExpired(false); setSession(s); }} />;
  else if (tab === 'second') page = <SecondTab onTake={() => tabs.current?.take()} />;
  else page = <Desk />;

  return (
    <Lang.Provider value={t}>
      <Desktop.Provider value={controller}>
        <Frame session={session ?? null} onLanguage={changeLang}>{page}</Frame>
      </Desktop.Provider>
    </Lang.Provider>
  );
}
