import { useEffect, useState } from 'react';
import { useT } from '../i18n';
import { currentCall } from '../state/desk';
import { useStore } from '../state/store';
import { useShortcuts } from '../ui/shortcuts';
import { Announcer } from './Announcer';
import { Banners } from './Banners';
import { CallBar } from './CallBar';
import { CallCard } from './CallCard';
import { useController } from './context';
import { Queues } from './Queues';
import { Room } from './Room';
import { TicketPanel } from './TicketPanel';
import { TicketSide } from './TicketSide';
import { useRingingTitle } from './title';

/** The agent's desktop and, for a supervisor, the room; both have the same frame. */
export function Desk() {
  const t = useT();
  const c = useController();
  const isAgent = c.session.roles.includes('agent');
  const isSupervisor = c.session.roles.includes('supervisor');
  const [view, setView] = useState<'desk' | 'room'>(isAgent ? 'desk' : 'room');
  const desk = useStore(c.desk);
  const call = currentCall(desk);
  useRingingTitle(call);
  useEffect(() => {
    if (call?.state === 'ringing') setView('desk'); // a pop is never behind another view
  }, [call?.state]);
  useShortcuts({
    form: () => focusForm(),
    call: () => document.getElementById('call-title')?.focus(),
  });

  return (
    <div className="la2-app" data-view={view} data-link={desk.link} data-agent={desk.agent?.state ?? ''} data-call={call?.call ?? ''}
      data-call-state={call?.state ?? ''} data-ticket={call?.ticket ?? ''} data-testid="app">
      <Announcer />
      {isAgent && <CallBar />}
      <Banners />
      {isAgent && isSupervisor && (
        <nav className="la2-views" aria-label={t('app.views')}>
          <button type="button" aria-current={view === 'desk' ? 'page' : undefined} onClick={() => setView('desk')}>{t('app.desk')}</button>
          <button type="button" aria-current={view === 'room' ? 'page' : undefined} onClick={() => setView('room')}>{t('app.room')}</button>
        </nav>
      )}
      {view === 'room' ? <Room /> : (
        <main className="la2-grid" id="main" tabIndex={-1}>
          <h1 className="visually-hidden">{t('app.title')}</h1>
          <div className="la2-left"><CallCard /><Queues /></div>
          <TicketPanel />
          <TicketSide />
        </main>
      )}
    </div>
  );
}

/** To the ticket form: its first control, or the panel when there is none. */
export function focusForm(): void {
  const form = document.querySelector<HTMLElement>('[data-form]');
  (form?.querySelector<HTMLElement>('select, input, textarea') ?? document.getElementById('ticket-title'))?.focus();
}
