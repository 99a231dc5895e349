import { useT } from '../i18n';
import { duration, instant } from '../state/format';
import { useStore } from '../state/store';
import { useController, useOffice } from './context';

/** Where the ticket comes from and what happened to it: offices and roles, never persons. */
export function TicketSide() {
  const t = useT();
  const c = useController();
  const office = useOffice();
  const work = useStore(c.work);
  const ticket = work.items[work.shown]?.base;
  if (!ticket) return <div className="la2-side" />;
  const history = ticket.history ?? [];
  const contacts = ticket.contacts ?? [];
  return (
    <aside className="la2-side la2-panel" aria-label={t('ticket.history')}>
      <dl className="la2-facts">
        <div><dt>{t('ticket.creator')}</dt><dd data-testid="creator">{office(ticket.creator_ipa)}</dd></div>
        <div><dt>{t('ticket.owner')}</dt><dd data-testid="owner">{office(ticket.owner_ipa)}</dd></div>
        <div><dt>{t('ticket.opened')}</dt><dd>{instant(ticket.opened_at, t.lang)}</dd></div>
      </dl>
      <h3>{t('ticket.contacts')} <span className="la2-count">{contacts.length}</span></h3>
      <ul className="la2-list" data-testid="contacts">
        {contacts.map((k) => (
          <li key={k.contact_id}>
            <strong>{t.of('channel', k.channel)}</strong> {t.of('direction', k.direction)}
            <span className="la2-sub">
              {[instant(k.at, t.lang), office(k.site), k.wait_s ? t('ticket.contact.wait', { time: duration(k.wait_s * 1000) }) : '',
                k.duration_s ? t('ticket.contact.duration', { time: duration(k.duration_s * 1000) }) : ''].filter(Boolean).join(' · ')}
            </span>
          </li>
        ))}
      </ul>
      <h3>{t('ticket.history')} <span className="la2-count">{history.length}</span></h3>
      {history.length === 0 && <p className="la2-sub">{t('ticket.nohistory')}</p>}
      <ol className="la2-list" data-testid="history" reversed>
        {[...history].reverse().map((h, i) => (
          <li key={`${h.at}${i}`}>
            <strong>{t.of('kind', h.kind)}</strong>
            <span className="la2-sub">{[instant(h.at, t.lang), office(h.by), h.role === 'system' ? '' : h.role.toUpperCase()].filter(Boolean).join(' · ')}</span>
          </li>
        ))}
      </ol>
      <p className="la2-sub">{t('ticket.revision', { revision: ticket.revision })}</p>
    </aside>
  );
}
