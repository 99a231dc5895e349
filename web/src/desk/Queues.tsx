import { useT } from '../i18n';
import { duration, instant } from '../state/format';
import { useStore } from '../state/store';
import { useController, useLabel } from './context';

/** How many wait and for how long, as last told by the node, with the time of telling. */
export function Queues() {
  const t = useT();
  const c = useController();
  const label = useLabel();
  const { queues, queuesAt } = useStore(c.desk);
  return (
    <section className="la2-panel la2-queues" aria-labelledby="queues-title">
      <h2 id="queues-title">{t('queues.title')}</h2>
      {queues.length === 0 ? <p>{t('queues.none')}</p> : (
        <table className="la2-table">
          <thead><tr><th scope="col">{t('queues.queue')}</th><th scope="col">{t('queues.waiting')}</th><th scope="col">{t('queues.longest')}</th><th scope="col">{t('queues.ready')}</th></tr></thead>
          <tbody>
            {queues.map((q) => (
              <tr key={q.queue} data-queue={q.queue}>
                <th scope="row">{label(q.queue)}</th><td>{q.waiting}</td><td>{q.waiting > 0 ? duration(q.longest_ms) : '–'}</td><td>{q.ready}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {queuesAt > 0 && <p className="la2-sub">{t('queues.at', { time: instant(new Date(queuesAt).toISOString(), t.lang, 'time') })}</p>}
    </section>
  );
}
