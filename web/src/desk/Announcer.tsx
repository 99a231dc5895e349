import { useEffect, useRef, useState } from 'react';
import { useT, type Translate } from '../i18n';
import type { Notice } from '../state/desk';
import { duration } from '../state/format';
import { useStore } from '../state/store';
import { useController, useLabel, useOffice } from './context';

const urgent: readonly Notice['kind'][] = ['ringing', 'transfer_failed', 'device_down', 'caller_left'];

/** Speaks every event of the call: urgent ones at once, the others when the reader is free. */
export function Announcer() {
  const t = useT();
  const c = useController();
  const desk = useStore(c.desk);
  const activity = useStore(c.activity);
  const label = useLabel();
  const office = useOffice();
  const heard = useRef(desk.lastNotice);
  const [polite, setPolite] = useState('');
  const [assertive, setAssertive] = useState('');
  const link = useRef(desk.link);

  useEffect(() => {
    const fresh = desk.notices.filter((n) => n.id > heard.current);
    heard.current = desk.lastNotice;
    const text = (list: Notice[]): string => list.map((n) => say(n, t, label, office)).join(' ');
    const now = fresh.filter((n) => urgent.includes(n.kind));
    const later = fresh.filter((n) => !urgent.includes(n.kind));
    if (now.length > 0) setAssertive(text(now));
    if (later.length > 0) setPolite(text(later));
  }, [desk.lastNotice]);

  useEffect(() => {
    if (link.current === 'lost' && desk.link === 'live') setPolite(t('say.connected'));
    link.current = desk.link;
  }, [desk.link, t]);

  useEffect(() => {
    if (activity.said !== null) setPolite(t(activity.said.key));
  }, [activity.said, t]);

  return (
    <>
      <div className="visually-hidden" role="alert" data-testid="say-now">{assertive}</div>
      <div className="visually-hidden" role="status" data-testid="say">{polite}</div>
    </>
  );
}

function say(n: Notice, t: Translate, label: (v: string) => string, office: (v: string) => string): string {
  switch (n.kind) {
    case 'ringing':
      return t('say.ringing', {
        caller: n.call?.caller.withheld || !n.call?.caller.number ? t('call.withheld') : `${t('call.caller')}: ${n.call.caller.number.replace(/•/g, '')}`,
        service: label(n.call?.service ?? ''), queue: label(n.call?.queue ?? ''), wait: duration(n.call?.wait_ms ?? 0),
      });
    case 'transferring':
      return t('say.transferring', { target: office(n.target ?? '') });
    case 'transfer_failed':
      return t('say.transfer_failed', { cause: t.of('cause', n.cause ?? 'failed') });
    case 'not_ready':
      return t('say.not_ready', { reason: n.reason ? t.of('reason', n.reason) : '' });
    default:
      return t(`say.${n.kind}`);
  }
}
