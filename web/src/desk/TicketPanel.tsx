import { Button } from 'design-react-kit';
import { useT } from '../i18n';
import { useStore } from '../state/store';
import type { Item } from '../state/work';
import { Icon } from '../ui/Icon';
import { useController } from './context';
import { TicketForm } from './TicketForm';

/** The tickets on the desktop: tabs when there is more than one, and the form of the one shown. */
export function TicketPanel() {
  const t = useT();
  const c = useController();
  const work = useStore(c.work);
  const desk = useStore(c.desk);
  const item = work.items[work.shown];
  const all = Object.values(work.items);
  return (
    <section className="la2-panel la2-ticket" aria-labelledby="ticket-title" data-testid="ticket-panel">
      {all.length > 1 && (
        <nav className="la2-tabs" aria-label={t('ticket.list')}>
          {all.map((i) => {
            const call = desk.calls.find((x) => x.ticket === i.id);
            return (
              <button key={i.id} type="button" aria-current={i.id === work.shown ? 'true' : undefined} onClick={() => c.show(i.id)}>
                {call && call.state !== 'reserved' ? t(`call.title.${call.state}`) : t(Object.keys(i.touched).length > 0 ? 'ticket.unsaved' : 'ticket.owed')} <span className="la2-id">…{i.id.slice(-6)}</span>
              </button>
            );
          })}
        </nav>
      )}
      <header className="la2-tickethead">
        <h2 id="ticket-title" tabIndex={-1}>{item === undefined ? t('ticket.none') : t('ticket.title')}{item && <> <span className="la2-id" data-testid="ticket-id">{item.id}</span></>}</h2>
        {item?.base && <span className="la2-tstate" data-testid="ticket-state" data-state={item.base.state}><Icon name={item.base.state.startsWith('closed') ? 'check' : 'files'} /> {t.of('tstate', item.base.state)}</span>}
      </header>
      {item === undefined ? <p className="la2-empty"><Icon name="files" /> {t('ticket.none.text')}</p> : <Body item={item} />}
    </section>
  );
}

function Body({ item }: { item: Item }) {
  const t = useT();
  const c = useController();
  const typed = Object.keys(item.touched).length > 0;
  if (item.state === 'failed') {
    return (
      <>
        <p className="la2-note" role="alert"><Icon name="warning" /> {t('ticket.failed')}{' '}
          <button type="button" className="la2-link" onClick={() => void c.read(item.id)}>{t('ticket.retry')}</button></p>
        <TicketForm key={item.id} item={item} />
      </>
    );
  }
  if (item.state === 'loading' && item.base === null && !typed) return <p className="la2-empty" role="status">{t('ticket.loading')}</p>;
  return (
    <>
      {item.state === 'gone' && (
        <p className="la2-note" role="alert"><Icon name="warning" /> {t('ticket.gone')}{' '}
          <Button color="outline-primary" size="xs" onClick={() => c.drop(item.id)}>{t('ticket.drop')}</Button></p>
      )}
      <TicketForm key={item.id} item={item} />
    </>
  );
}
