import { useEffect, useRef, useState } from 'react';
import { Button } from 'design-react-kit';
import { useT } from '../i18n';
import { currentCall, type ShownCall } from '../state/desk';
import { duration, instant } from '../state/format';
import { useStore } from '../state/store';
import { Icon } from '../ui/Icon';
import type { IconName } from '../ui/icons';
import { Kbd, keys } from '../ui/Kbd';
import { useShortcuts } from '../ui/shortcuts';
import { useController, useLabel, useNow, useOffice } from './context';
import { TransferDialog } from './TransferDialog';

const titleIcon: Record<ShownCall['state'], IconName> = {
  ringing: 'telephone', talking: 'telephone', held: 'clock', transferring: 'transfer', consulting: 'transfer', wrap_up: 'check',
};

/** The call: the pop while it rings, the controls while it lasts, its end in wrap-up. */
export function CallCard() {
  const t = useT();
  const c = useController();
  const desk = useStore(c.desk);
  const call = currentCall(desk);
  const before = useRef(call?.state);

  useEffect(() => {
    const answered = call?.state === 'talking' && before.current === 'ringing';
    before.current = call?.state;
    // At answer the ticket gets the focus, unless the agent is somewhere with it.
    if (answered && isIdle(document.activeElement)) document.getElementById('ticket-title')?.focus({ preventScroll: true });
  }, [call?.state]);

  if (call === undefined) {
    return (
      <section className="la2-panel la2-call none" aria-labelledby="call-title" data-testid="call">
        <h2 id="call-title" tabIndex={-1}>{t('call.title.none')}</h2>
        <p>{t(desk.agent?.state === 'ready' ? 'call.none.ready' : 'call.none.notready')}</p>
      </section>
    );
  }
  return (
    <section className={`la2-panel la2-call c-${call.state}`} aria-labelledby="call-title" data-testid="call" data-state={call.state}>
      <header>
        <h2 id="call-title" tabIndex={-1}><Icon name={titleIcon[call.state]} /> {t(`call.title.${call.state}`)}</h2>
        <Elapsed call={call} />
      </header>
      <Caller call={call} />
      <Outcome call={call} />
      <Controls call={call} />
      <Facts call={call} />
    </section>
  );
}

/** How long the call has been in its state. */
function Elapsed({ call }: { call: ShownCall }) {
  const t = useT();
  const now = useNow(call.state !== 'wrap_up');
  if (call.state === 'wrap_up') return <span className="la2-sub">{instant(call.since, t.lang, 'time')}</span>;
  return <span className="la2-elapsed" role="timer" aria-label={t('call.duration')} data-testid="call-duration">{duration(now - Date.parse(call.since))}</span>;
}

/** Nobody works there: the page itself, or a button of the call bar. */
function isIdle(el: Element | null): boolean {
  return el === null || el === document.body || (el.closest('.la2-bar, .la2-call') !== null && el.closest('[role=menu]') === null);
}

function Caller({ call }: { call: ShownCall }) {
  const t = useT();
  const { number, display, withheld, verified } = call.caller;
  return (
    <p className="la2-caller" data-testid="caller">
      {withheld ? <><Icon name="lock" /> {t('call.withheld')}</> : number || t('call.unknown')}
      {!withheld && display && <span className="la2-sub">{display}</span>}
      {!withheld && verified && <span className="la2-sub"><Icon name="check" /> {t('call.verified')}</span>}
    </p>
  );
}

/** "803.001 – Linea Amica"; what is the same is not said twice. */
function serviceName(call: ShownCall, label: (value: string) => string, named: (service: string) => string): string {
  const [number, name] = [label(call.dialled ?? ''), named(call.service)];
  return number === '' || number === name ? name : name === '' ? number : `${number} – ${name}`;
}

function Facts({ call }: { call: ShownCall }) {
  const t = useT();
  const label = useLabel();
  const office = useOffice();
  const from = call.class === 'transfer' ? 'call.from.transfer' : call.class === 'overflow' ? 'call.from.overflow' : 'call.from';
  const rows: [string, string, string][] = [
    ['service', t('call.service'), serviceName(call, label, (s) => (/^\+?\d*$/.test(s) ? label(s) : t.of('service', s)))],
    ['queue', t('call.queue'), label(call.queue)],
    ['wait', t('call.wait'), duration(call.wait_ms)],
    ['topic', t('call.topic'), call.topic ? label(call.topic) : ''],
    ['from', t(from), call.from ? office(call.from) : ''],
  ];
  return (
    <dl className="la2-facts">
      {rows.filter(([, , v]) => v !== '').map(([key, name, value]) => (
        <div key={key} className={`f-${key}`}><dt>{name}</dt><dd data-testid={`call-${key}`}>{value}</dd></div>
      ))}
      <Ticket call={call} />
    </dl>
  );
}

function Ticket({ call }: { call: ShownCall }) {
  const t = useT();
  const c = useController();
  const item = useStore(c.work).items[call.ticket];
  return (
    <div className="f-ticket">
      <dt>{t('call.ticket')}{item?.base && <> · <span data-testid="pop-ticket-state">{t.of('tstate', item.base.state)}</span></>}</dt>
      <dd className="la2-id" data-testid="pop-ticket">{call.ticket || t('call.ticket.none')}</dd>
    </div>
  );
}

function Outcome({ call }: { call: ShownCall }) {
  const t = useT();
  const office = useOffice();
  const target = call.target ? office(call.target) : '';
  if (call.state === 'ringing') return <p className="la2-say"><Icon name="info" /> {t(answerable(call) ? 'call.answer.here' : 'call.answer')}</p>;
  if (call.state === 'consulting') return <p className="la2-say"><Icon name="transfer" /> {t(call.with === 'caller' ? 'call.consult.caller' : 'call.consult.target', { target })}</p>;
  if (call.state === 'transferring') return <p className="la2-say"><Icon name="transfer" /> {t('call.target', { target })}</p>;
  if (call.state === 'wrap_up') {
    const cause = call.ended ?? 'normal';
    return (
      <p className="la2-say">
        {cause === 'transferred' && target ? t('call.ended.transferred', { target })
          : cause === 'normal' || cause === 'transferred' ? t('call.ended.normal') : t('call.ended.other', { cause: t.of('cause', cause) })}
      </p>
    );
  }
  return call.failed ? <p className="la2-say bad" data-testid="transfer-failed"><Icon name="warning" /> {t('call.failed', { target, cause: t.of('cause', call.failed) })}</p> : null;
}

/** The telephone said that it can be told to answer. */
const answerable = (call: ShownCall): boolean => call.phone?.split(',').includes('talk') ?? false;

function Controls({ call }: { call: ShownCall }) {
  const t = useT();
  const c = useController();
  const { busy } = useStore(c.activity);
  const [asking, setAsking] = useState(false);
  const free = call.state === 'talking' || call.state === 'held';
  const consulting = call.state === 'consulting';
  const alive = free || consulting || call.state === 'transferring';
  const held = call.state === 'held';
  const back = held || consulting || call.state === 'transferring'; // a transfer that nobody has answered can be taken back
  const hold = (): void => { if (alive) void (back ? c.retrieve(call.call) : c.hold(call.call)); };
  const hangup = (): void => { if (alive) void c.hangup(call.call); };
  const ask = (): void => { if (free) setAsking(true); };
  const rescue = (): void => { if (alive && !busy['transfer']) void c.emergency(call.call); }; // help goes before a consultation
  const pass = (): void => { if (!busy['transfer']) void c.complete(call.call); };
  const rings = call.state === 'ringing' && answerable(call);
  const answer = (): void => { if (rings && !busy['answer']) void c.answer(call.call); };
  useShortcuts({ answer, hold, transfer: consulting ? pass : ask, hangup, emergency: rescue });
  useEffect(() => { if (!free) setAsking(false); }, [free]);
  if (rings) {
    return (
      <div className="la2-controls">
        <Button color="primary" aria-disabled={busy['answer']} data-testid="answer" onClick={answer} {...keys('answer')}>
          <Icon name="telephone" /> {t('call.answer.button')} <Kbd of="answer" />
        </Button>
      </div>
    );
  }
  if (call.state === 'ringing' || call.state === 'wrap_up') return null;
  return (
    <>
    <div className="la2-controls">
      <Button color={back ? 'primary' : 'outline-primary'} aria-pressed={held} aria-disabled={!alive || busy['hold']} data-testid="hold" onClick={hold} {...keys('hold')}>
        <Icon name="clock" /> {t(back ? 'call.retrieve' : 'call.hold')} <Kbd of="hold" />
      </Button>
      {consulting && <>
        <Button color="outline-primary" aria-disabled={busy['transfer']} data-testid="complete" onClick={pass} {...keys('transfer')}>
          <Icon name="transfer" /> {t('call.complete')} <Kbd of="transfer" />
        </Button>
        <Button color="outline-primary" aria-disabled={busy['hold']} data-testid="swap" onClick={() => void c.swap(call.call)}>
          <Icon name="telephone" /> {t('call.swap')}
        </Button>
      </>}
      {!consulting && <Button color="outline-primary" aria-disabled={!free || busy['transfer']} aria-haspopup="dialog" data-testid="transfer" onClick={ask} {...keys('transfer')}>
        <Icon name="transfer" /> {t('call.transfer')} <Kbd of="transfer" />
      </Button>}
      <Button color="outline-primary" aria-disabled={!alive || busy['transfer']} title={t('call.emergency.hint')} data-testid="emergency" onClick={rescue} {...keys('emergency')}>
        <Icon name="warning" /> {t('call.emergency')} <Kbd of="emergency" />
      </Button>
      <Button color="outline-danger" aria-disabled={!alive || busy['hangup']} data-testid="hangup" onClick={hangup} {...keys('hangup')}>
        <Icon name="hangup" /> {t('call.hangup')} <Kbd of="hangup" />
      </Button>
    </div>
    {asking && <TransferDialog call={call} onClose={() => setAsking(false)} />}
    </>
  );
}
