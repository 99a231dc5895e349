import { useEffect, useState } from 'react';
import { Problem, status } from '../api/http';
import type { Status } from '../api/types';
import { useT, type Key } from '../i18n';
import { duration, instant } from '../state/format';
import { Icon } from '../ui/Icon';
import { useLabel } from './context';

const every = 3000; // ms between two looks
const states = ['ready', 'reserved', 'ringing', 'talking', 'wrap_up', 'not_ready'] as const;

/** What a supervisor sees: queues, agents as counts, trunks. No persons, no calls of others. */
export function Room() {
  const t = useT();
  const [seen, setSeen] = useState<{ status: Status; at: number } | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let stop = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        const s = await status();
        if (stop) return;
        setSeen({ status: s, at: Date.now() });
        setFailed(false);
      } catch (e) {
        if (!(e instanceof Problem)) throw e;
        if (!stop) setFailed(true);
      }
      if (!stop) timer = setTimeout(() => void look(), every);
    };
    void look();
    return () => {
      stop = true;
      clearTimeout(timer);
    };
  }, []);

  const time = seen === null ? '' : instant(new Date(seen.at).toISOString(), t.lang, 'time');
  return (
    <main className="la2-room" id="main" tabIndex={-1} data-testid="room">
      <header>
        <h1>{t('room.title')}{seen && <span className="la2-sub">{seen.status.site.name}</span>}</h1>
        {seen && !failed && <span className="la2-sub">{t('room.at', { time })}</span>}
      </header>
      <div role="status">{failed && <p className="la2-note"><Icon name="warning" /> {t('room.failed', { time: time || '–' })}</p>}</div>
      {seen === null ? <p>{t('app.loading')}</p> : <Board status={seen.status} />}
    </main>
  );
}

function Board({ status: s }: { status: Status }) {
  const t = useT();
  const waiting = s.queues.reduce((n, q) => n + q.waiting, 0);
  const longest = Math.max(0, ...s.queues.map((q) => (q.waiting > 0 ? q.longest_ms : 0)));
  const tiles: [string, string][] = [
    [t('room.waiting.now'), String(waiting)], [t('queues.longest'), waiting > 0 ? duration(longest) : '–'],
    [t('room.calls'), String(s.calls)], [t('room.uptime'), duration(s.uptime_ms)],
  ];
  return (
    <>
      <dl className="la2-tiles">{tiles.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      <QueueTable queues={s.queues} />
      <div className="la2-halves">
        <AgentTable agents={s.agents ?? {}} />
        <TrunkTable trunks={s.trunks ?? []} />
      </div>
    </>
  );
}

function QueueTable({ queues }: { queues: Status['queues'] }) {
  const t = useT();
  const label = useLabel();
  const columns: Key[] = ['queues.queue', 'queues.waiting', 'queues.longest', 'room.offered', 'room.answered', 'room.abandoned', 'room.redirected', 'room.share'];
  return (
    <section className="la2-panel" aria-labelledby="room-queues">
      <h2 id="room-queues">{t('room.queues')}</h2>
      <table className="la2-table wide">
        <thead><tr>{columns.map((k) => <th key={k} scope="col">{t(k)}</th>)}</tr></thead>
        <tbody>
          {queues.map((q) => {
            const ended = q.answered + q.abandoned;
            return (
              <tr key={q.queue} data-queue={q.queue}>
                <th scope="row">{label(q.queue)}</th><td>{q.waiting}</td><td>{q.waiting > 0 ? duration(q.longest_ms) : '–'}</td>
                <td>{q.offered}</td><td>{q.answered}</td><td>{q.abandoned}</td><td>{q.redirected}</td>
                <td>{ended > 0 ? `${((q.answered * 100) / ended).toFixed(1).replace('.', t.lang === 'it' ? ',' : '.')} %` : '–'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function AgentTable({ agents }: { agents: Status['agents'] }) {
  const t = useT();
  const label = useLabel();
  const queues = Object.entries(agents);
  return (
    <section className="la2-panel" aria-labelledby="room-agents">
      <h2 id="room-agents">{t('room.agents')}</h2>
      {queues.length === 0 ? <p>{t('room.noagents')}</p> : (
        <table className="la2-table wide">
          <thead><tr><th scope="col">{t('queues.queue')}</th>{states.map((s) => <th key={s} scope="col">{t(`state.${s}`)}</th>)}</tr></thead>
          <tbody>{queues.map(([q, n]) => <tr key={q}><th scope="row">{label(q)}</th>{states.map((s) => <td key={s}>{n[s] ?? 0}</td>)}</tr>)}</tbody>
        </table>
      )}
    </section>
  );
}

function TrunkTable({ trunks }: { trunks: Status['trunks'] }) {
  const t = useT();
  const label = useLabel();
  return (
    <section className="la2-panel" aria-labelledby="room-trunks">
      <h2 id="room-trunks">{t('room.trunks')}</h2>
      <table className="la2-table wide">
        <thead><tr><th scope="col">{t('room.trunk')}</th><th scope="col">{t('room.trunk.state')}</th><th scope="col">{t('room.trunk.calls')}</th></tr></thead>
        <tbody>
          {trunks.map((k) => (
            <tr key={k.name} data-trunk={k.name}>
              <th scope="row">{label(k.name)}</th>
              <td className={k.up ? 'la2-up' : 'la2-downcell'}><Icon name={k.up ? 'check' : 'hangup'} /> {t(k.up ? 'room.up' : 'room.down')}</td>
              <td>{k.calls}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
