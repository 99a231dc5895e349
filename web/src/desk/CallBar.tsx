import { useRef, useState, type ReactNode } from 'react';
import { Button } from 'design-react-kit';
import type { AgentStateName } from '../api/types';
import { useT } from '../i18n';
import type { Link } from '../state/desk';
import { wrapUpLeft } from '../state/desk';
import { countdown, duration } from '../state/format';
import { useStore } from '../state/store';
import { Icon } from '../ui/Icon';
import type { IconName } from '../ui/icons';
import { Kbd, keys } from '../ui/Kbd';
import { useShortcuts } from '../ui/shortcuts';
import { useController, useNow } from './context';
import { ReasonMenu } from './ReasonMenu';

const stateIcon: Record<AgentStateName, IconName> = {
  logged_out: 'logout', not_ready: 'minus', ready: 'check', reserved: 'telephone', ringing: 'telephone', talking: 'telephone', wrap_up: 'pencil',
};

/** The agent's state, how long it lasts, and the two ways to change it. */
export function CallBar() {
  const t = useT();
  const c = useController();
  const desk = useStore(c.desk);
  const activity = useStore(c.activity);
  const now = useNow(true);
  const [menu, setMenu] = useState(false);
  const opener = useRef<HTMLElement | null>(null);
  const state = desk.agent?.state ?? 'logged_out';
  const pending = desk.agent?.pending ?? '';
  const inCall = state === 'talking' || state === 'ringing' || state === 'reserved';
  const isReady = (state === 'ready' && pending === '') || (inCall && pending === 'ready');
  const since = Date.parse(desk.agent?.since ?? '');
  const busy = activity.busy['state'] === true || !desk.loaded;

  const ready = (): void => { if (!busy && !isReady) void c.ready(); };
  const openMenu = (): void => {
    opener.current = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    setMenu(true);
  };
  const closeMenu = (back: boolean): void => {
    setMenu(false);
    if (back && opener.current?.isConnected) opener.current.focus();
  };
  useShortcuts({ ready, notready: openMenu });

  return (
    <section className={`la2-bar s-${state}`} aria-label={t('bar.label')}>
      <div className="la2-state">
        <Icon name={stateIcon[state]} />
        <div>
          <strong data-testid="agent-state">{t(`state.${state}`)}</strong>
          <span className="la2-sub">
            {desk.agent?.reason && state === 'not_ready' ? `${t.of('reason', desk.agent.reason)} · ` : ''}
            {since > 0 && t('state.since', { time: duration(now - since) })}
          </span>
        </div>
      </div>
      <Button color={state === 'wrap_up' || state === 'not_ready' ? 'primary' : 'outline-primary'} aria-pressed={isReady} aria-disabled={busy || isReady}
        data-testid="ready" onClick={ready} {...keys('ready')}>
        <Icon name="check" /> {t(state === 'wrap_up' ? 'bar.ready.now' : inCall ? 'bar.ready.after' : 'bar.ready')} <Kbd of="ready" />
      </Button>
      <div className="la2-menuwrap">
        <Button color="outline-primary" aria-haspopup="menu" aria-expanded={menu} aria-disabled={busy} data-testid="not-ready"
          onClick={() => (menu ? closeMenu(true) : openMenu())} {...keys('notready')}>
          <Icon name="minus" /> {t(inCall || state === 'wrap_up' ? 'bar.notready.after' : 'bar.notready')} <Icon name="down" className="small" /> <Kbd of="notready" />
        </Button>
        {menu && <ReasonMenu reasons={desk.reasons} onClose={closeMenu} onChoose={(r) => { closeMenu(true); void c.notReady(r); }} />}
      </div>
      <Timing left={wrapUpLeft(desk, now)} wrapUp={state === 'wrap_up'} pending={pending} inCall={inCall} />
      <LinkState link={desk.link} />
    </section>
  );
}

function Timing({ left, wrapUp, pending, inCall }: { left: number | null; wrapUp: boolean; pending: string; inCall: boolean }) {
  const t = useT();
  let text: ReactNode = null;
  if (wrapUp && left === null) text = t('bar.wrapup.open');
  else if (left !== null && left <= 0) text = t('bar.wrapup.over');
  else if (left !== null) text = t(pending === 'not_ready' ? 'bar.wrapup.notready' : 'bar.wrapup', { time: countdown(left) });
  else if (inCall && (pending === 'ready' || pending === 'not_ready')) text = t(`bar.pending.${pending}`);
  return <span className={wrapUp ? 'la2-timing strong' : 'la2-timing'} role="timer" data-testid="timing">{text && <><Icon name="clock" /> {text}</>}</span>;
}

function LinkState({ link }: { link: Link }) {
  const t = useT();
  return (
    <span className={`la2-linkstate l-${link}`} data-testid="link">
      <Icon name={link === 'live' ? 'wifi' : 'refresh'} /> {t(`link.${link}`)}
    </span>
  );
}
