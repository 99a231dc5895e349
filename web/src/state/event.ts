// One event of the stream applied to the desk. An agent also reads events of
// other legs and other agents of its calls (a transfer inside the office), so
// each is checked for whose it is before it changes anything.

import type { AgentStateName, CtiEvent } from '../api/types';
import { notify, type Call, type Desk } from './desk';

export function applyEvent(desk: Desk, e: CtiEvent): Desk {
  if (e.type.startsWith('Agent')) return agentEvent(desk, e);
  switch (e.type) {
    case 'Delivered':
      return delivered(desk, e);
    case 'TicketOpened':
    case 'TicketAttached':
    case 'TicketUpdated':
      return ticketEvent(desk, e);
    case 'DeviceUp':
    case 'DeviceDown':
      return deviceEvent(desk, e);
  }
  const call = desk.calls.find((c) => c.call === e.call);
  return call === undefined ? desk : callEvent(desk, call, e);
}

/** True when the event names another agent. */
const foreign = (desk: Desk, e: CtiEvent): boolean => e.agent !== undefined && e.agent !== '' && e.agent !== desk.user;

/** True when the event is about a leg that is known not to be ours. */
const otherLeg = (call: Call, e: CtiEvent): boolean =>
  e.leg !== undefined && e.leg !== '' && call.leg !== '' && e.leg !== call.leg;

function agentEvent(desk: Desk, e: CtiEvent): Desk {
  if (foreign(desk, e)) return desk;
  const to = (state: AgentStateName, more: { reason?: string; deadline?: string } = {}): Desk => ({
    ...desk,
    agent: { state, reason: more.reason ?? '', since: e.at, deadline: more.deadline ?? '', pending: '' },
  });
  const free = (d: Desk): Desk => ({ ...d, calls: d.calls.filter((c) => c.state !== 'wrap_up') });
  const keepPending = (d: Desk): Desk =>
    d.agent === null ? d : { ...d, agent: { ...d.agent, pending: desk.agent?.pending ?? '' } };
  switch (e.type) {
    case 'AgentLoggedOn':
      return { ...to('not_ready', { reason: e.reason }), device: e.device || desk.device };
    case 'AgentLoggedOff':
      return notify({ ...to('logged_out'), calls: [] }, { kind: 'logged_out', at: e.at });
    case 'AgentReady':
      return notify(free(to('ready')), { kind: 'ready', at: e.at });
    case 'AgentNotReady':
      return notify(free(to('not_ready', { reason: e.reason })), { kind: 'not_ready', at: e.at, reason: e.reason });
    case 'AgentReserved':
      return keepPending(to('reserved'));
    case 'AgentBusy':
      return keepPending(to('talking'));
    case 'AgentWorkingAfterCall':
      return notify(keepPending(endAll(to('wrap_up', { deadline: e.deadline }))), { kind: 'wrap_up', at: e.at });
    default:
      return desk;
  }
}

/** The agent is in wrap-up: no call of its own is alive any more. */
function endAll(desk: Desk): Desk {
  return { ...desk, calls: desk.calls.map((c) => (c.state === 'wrap_up' ? c : { ...c, state: 'wrap_up' })) };
}

function delivered(desk: Desk, e: CtiEvent): Desk {
  if (foreign(desk, e) || e.call === undefined) return desk;
  const i = e.info ?? {};
  const call: Call = {
    call: e.call, leg: e.leg ?? '', state: 'ringing', ticket: e.ticket ?? '', queue: e.queue ?? '',
    service: e.service || i.service || '', caller: i.caller ?? {}, since: e.at, wait_ms: i.wait_ms ?? 0,
    topic: i.topic ?? '', from: i.from ?? '', class: i.class ?? '',
  };
  const agent = desk.agent === null ? null : { ...desk.agent, state: 'ringing' as const, since: e.at, deadline: '' };
  // A new offer ends any wrap-up still shown: one call at a time is on the screen.
  const calls = [...desk.calls.filter((c) => c.call !== call.call && c.state !== 'wrap_up'), call];
  return notify({ ...desk, agent, calls }, { kind: 'ringing', at: e.at, call });
}

function callEvent(desk: Desk, call: Call, e: CtiEvent): Desk {
  const put = (change: Partial<Call>): Desk =>
    ({ ...desk, calls: desk.calls.map((c) => (c === call ? { ...c, ...change } : c)) });
  const drop = (): Desk => ({ ...desk, calls: desk.calls.filter((c) => c !== call) });
  const end = (cause: string | undefined): Desk => put({ state: 'wrap_up', since: e.at, ended: cause ?? 'normal' });
  const tell = (d: Desk, kind: Parameters<typeof notify>[1]['kind']): Desk =>
    notify(d, { kind, at: e.at, call, cause: e.cause, target: e.target });

  switch (e.type) {
    case 'Established': {
      if (foreign(desk, e) || call.state !== 'ringing') return desk; // the leg that replaces ours in a transfer
      const agent = desk.agent === null ? null : { ...desk.agent, state: 'talking' as const, since: e.at };
      return tell({ ...put({ state: 'talking', leg: e.leg || call.leg, since: e.at }), agent }, 'established');
    }
    case 'Held':
      return otherLeg(call, e) ? desk : tell(put({ state: 'held', since: e.at }), 'held');
    case 'Retrieved':
      return otherLeg(call, e) ? desk : tell(put({ state: 'talking', since: e.at }), 'retrieved');
    case 'Diverted':
      if (foreign(desk, e) || call.state !== 'ringing') return desk;
      return tell(drop(), e.cause === 'abandoned' ? 'caller_left' : 'not_answered');
    case 'Transferring':
      return tell(put({ state: 'transferring', target: e.target, failed: undefined }), 'transferring');
    case 'Transferred':
      return tell({ ...end('transferred') }, 'transferred');
    case 'TransferFailed':
      return tell(put({ state: 'talking', failed: e.cause ?? 'failed', target: e.target || call.target }), 'transfer_failed');
    case 'ConnectionCleared':
      if (e.leg === undefined || e.leg === '' || e.leg !== call.leg) return desk;
      if (call.state === 'wrap_up') return call.ended === undefined ? put({ ended: e.cause }) : desk;
      return call.state === 'ringing' ? tell(drop(), 'not_answered') : tell(end(e.cause), 'ended');
    case 'CallCleared':
      if (call.state === 'wrap_up') return call.ended === undefined ? put({ ended: e.cause }) : desk;
      return call.state === 'ringing' ? tell(drop(), 'caller_left') : tell(end(e.cause), 'ended');
    default:
      return desk;
  }
}

function ticketEvent(desk: Desk, e: CtiEvent): Desk {
  if (!e.ticket) return desk;
  const ticket = e.ticket;
  const revision = Math.max(desk.revisions[ticket] ?? 0, e.change?.revision ?? 0);
  const next = { ...desk, revisions: { ...desk.revisions, [ticket]: revision } };
  const call = desk.calls.find((c) => c.call === e.call);
  if (call === undefined || call.ticket === ticket || e.type === 'TicketUpdated') return next;
  const calls = desk.calls.map((c) => (c === call ? { ...c, ticket } : c));
  return e.type === 'TicketAttached' && call.ticket !== ''
    ? notify({ ...next, calls }, { kind: 'attached', at: e.at, call: { ...call, ticket } })
    : { ...next, calls };
}

function deviceEvent(desk: Desk, e: CtiEvent): Desk {
  if (e.device !== desk.device) return desk;
  const deviceUp = e.type === 'DeviceUp';
  if (deviceUp === desk.deviceUp) return desk;
  return notify({ ...desk, deviceUp }, { kind: deviceUp ? 'device_up' : 'device_down', at: e.at });
}
