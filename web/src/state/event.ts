// One event of the stream applied to the desk, as cti/server folds it: so a
// snapshot and the events after it fit.
//
// Two owners speak of one call, the floor (AgentReserved, Delivered, Diverted,
// AgentBusy, …) and the switch (Established, Held, ConnectionCleared, …); each
// keeps its order, between them neighbours may cross. So every step asks what
// the call is, not what came before:
//
//	reserved ─Delivered─► ringing ─Established, AgentBusy─► talking ◄─► held, transferring, consulting
//	   └────────Established, AgentBusy (a phone that answers at once)──►┘      │ leg or call cleared, Transferred
//	                                                    gone ◄─agent is free─ wrap_up

import type { AgentStateName, CtiEvent } from '../api/types';
import { notify, type Call, type Desk, type Notice } from './desk';

export function applyEvent(desk: Desk, e: CtiEvent): Desk {
  if (e.type.startsWith('Agent')) return foreign(desk, e) ? desk : agentEvent(desk, e);
  switch (e.type) {
    case 'Delivered':
      return foreign(desk, e) ? desk : delivered(desk, e);
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

const free: readonly AgentStateName[] = ['ready', 'not_ready', 'logged_out'];

// --- the agent

function agentEvent(desk: Desk, e: CtiEvent): Desk {
  switch (e.type) {
    case 'AgentLoggedOn':
      return release({ ...enter(desk, 'not_ready', e), device: e.device || desk.device });
    case 'AgentLoggedOff':
      return notify(release(enter(desk, 'logged_out', e)), { kind: 'logged_out', at: e.at });
    case 'AgentReady':
      return tellState(desk, release(enter(desk, 'ready', e)), 'ready', e);
    case 'AgentNotReady':
      return tellState(desk, release(enter(desk, 'not_ready', e)), 'not_ready', e);
    case 'AgentReserved':
      return offered(enter(desk, 'reserved', e), e);
    case 'AgentBusy':
      return busy(enter(desk, 'talking', e), e);
    case 'AgentWorkingAfterCall':
      return tellState(desk, endAll(enter(desk, 'wrap_up', e)), 'wrap_up', e);
    default:
      return desk;
  }
}

/** A repeated state only tells what is pending: its time goes on. `value` is the pending next state. */
function enter(desk: Desk, state: AgentStateName, e: CtiEvent): Desk {
  const same = desk.agent?.state === state;
  const pending = state === 'talking' || state === 'wrap_up' ? e.value ?? '' : '';
  return { ...desk, agent: { state, reason: e.reason ?? '', since: same ? desk.agent?.since ?? e.at : e.at, deadline: e.deadline ?? '', pending } };
}

function tellState(before: Desk, desk: Desk, kind: 'ready' | 'not_ready' | 'wrap_up', e: CtiEvent): Desk {
  const same = before.agent?.state === desk.agent?.state && before.agent?.reason === desk.agent?.reason;
  return same ? desk : notify(desk, { kind, at: e.at, reason: e.reason });
}

/** An agent that is free has no offer and no wrap-up. A call that it still talks on (the events crossed) ends with its leg. */
function release(desk: Desk): Desk {
  return { ...desk, calls: desk.calls.filter((c) => c.state !== 'reserved' && c.state !== 'ringing' && c.state !== 'wrap_up') };
}

/** The agent is in wrap-up: no call of its own is alive any more. */
function endAll(desk: Desk): Desk {
  return { ...desk, calls: desk.calls.map((c) => (c.state === 'wrap_up' ? c : { ...c, state: 'wrap_up' })) };
}

/** A call is being offered; it is shown when the telephone rings. */
function offered(desk: Desk, e: CtiEvent): Desk {
  if (!e.call || desk.calls.some((c) => c.call === e.call)) return desk;
  const call: Call = {
    call: e.call, leg: '', state: 'reserved', ticket: e.ticket ?? '', queue: e.queue ?? '', service: e.service ?? '', caller: {},
    since: e.at, wait_ms: 0, topic: '', from: '',
  };
  // A new offer ends any wrap-up still shown: one call at a time is on the screen.
  return { ...desk, calls: [...desk.calls.filter((c) => c.state !== 'wrap_up'), call] };
}

/** The floor's word that the agent talks: before or after the switch's Established. */
function busy(desk: Desk, e: CtiEvent): Desk {
  const call = desk.calls.find((c) => c.call === e.call);
  return call !== undefined && (call.state === 'reserved' || call.state === 'ringing') ? answer(desk, call, e) : desk;
}

// --- the call

function delivered(desk: Desk, e: CtiEvent): Desk {
  if (!e.call) return desk;
  if (!e.agent && (e.trunk || e.device !== desk.device || desk.calls.some((c) => c.call === e.call))) return desk;
  const known = offered(desk, e);
  const before = known.calls.find((c) => c.call === e.call);
  if (before === undefined) return desk;
  const i = e.info ?? {};
  const call: Call = {
    ...before, leg: e.leg || before.leg, ticket: e.ticket || before.ticket, queue: e.queue || before.queue,
    service: e.service || i.service || before.service, dialled: i.dialled || before.dialled, caller: i.caller ?? before.caller, wait_ms: i.wait_ms ?? before.wait_ms,
    topic: i.topic ?? before.topic, from: i.from ?? before.from, class: i.class ?? before.class,
  };
  const put = (c: Call): Call[] => known.calls.map((x) => (x === before ? c : x));
  if (before.state !== 'reserved') return { ...known, calls: put(call) }; // the answer was faster
  const ringing: Call = { ...call, state: 'ringing', since: e.at };
  // The floor knows nothing of a colleague's transfer, which names no agent: the state stays.
  const agent = desk.agent === null || !e.agent ? desk.agent : { ...desk.agent, state: 'ringing' as const, reason: '', since: e.at, deadline: '' };
  return notify({ ...known, agent, calls: put(ringing) }, { kind: 'ringing', at: e.at, call: ringing });
}

function answer(desk: Desk, call: Call, e: CtiEvent): Desk {
  const now: Call = { ...call, state: 'talking', leg: e.leg || call.leg, since: e.at };
  const agent = desk.agent === null || (desk.agent.state !== 'reserved' && desk.agent.state !== 'ringing') ? desk.agent : { ...desk.agent, state: 'talking' as const, since: e.at };
  return notify({ ...desk, agent, calls: desk.calls.map((c) => (c === call ? now : c)) }, { kind: 'established', at: e.at, call: now });
}

const callerLeg = (leg: string | undefined): boolean => leg?.endsWith('/1') ?? false;

/** Is Established the answer of our telephone? The switch names the leg and the device, not the agent. */
function ours(desk: Desk, call: Call, e: CtiEvent): boolean {
  if (callerLeg(e.leg) || (call.state !== 'reserved' && call.state !== 'ringing')) return false;
  if (e.agent) return e.agent === desk.user;
  if (e.leg && call.leg) return e.leg === call.leg;
  return !e.trunk && (!e.device || e.device === desk.device);
}

const onIt: readonly Call['state'][] = ['talking', 'held', 'transferring', 'consulting'];

/** Is the event about our leg of a call we are on? */
function onLeg(desk: Desk, call: Call, e: CtiEvent): boolean {
  if (!onIt.includes(call.state)) return false;
  if (e.agent) return e.agent === desk.user;
  return !e.leg || !call.leg || e.leg === call.leg;
}

function callEvent(desk: Desk, call: Call, e: CtiEvent): Desk {
  const put = (change: Partial<Call>): Desk =>
    ({ ...desk, calls: desk.calls.map((c) => (c === call ? { ...c, ...change } : c)) });
  const tell = (d: Desk, kind: Notice['kind']): Desk => notify(d, { kind, at: e.at, call, cause: e.cause, target: e.target });

  switch (e.type) {
    case 'Established':
      return ours(desk, call, e) ? answer(desk, call, e) : desk;
    case 'Held':
      return onLeg(desk, call, e) ? tell(put({ state: 'held', since: e.at }), 'held') : desk;
    case 'Retrieved':
      return onLeg(desk, call, e) ? tell(put({ state: 'talking', since: e.at }), 'retrieved') : desk;
    case 'Transferring':
      return onLeg(desk, call, e) ? tell(put({ state: 'transferring', target: e.target, failed: undefined }), 'transferring') : desk;
    case 'Consulting':
      return onLeg(desk, call, e) ? tell(put({ state: 'consulting', with: e.value, since: e.at }), 'consulting') : desk;
    case 'Controllable':
      return e.device === desk.device ? put({ phone: e.value }) : desk;
    case 'TransferFailed':
      if (onLeg(desk, call, e) && e.cause === 'abandoned') { // the agent took the caller back
        return tell(put({ state: 'talking', since: e.at, failed: undefined, target: undefined }), 'retrieved');
      }
      return onLeg(desk, call, e) ? tell(put({ state: 'talking', failed: e.cause ?? 'failed', target: e.target || call.target }), 'transfer_failed') : desk;
    case 'Transferred':
      return onLeg(desk, call, e) ? left(desk, call, e, 'transferred') : desk;
    case 'Diverted':
      if (foreign(desk, e) || (call.state !== 'reserved' && call.state !== 'ringing')) return desk;
      return left(desk, call, e, e.cause ?? '');
    case 'ConnectionCleared':
      return e.leg && e.leg === call.leg ? left(desk, call, e, e.cause ?? '') : desk;
    case 'CallCleared':
      return left(desk, call, e, call.state === 'ringing' ? 'abandoned' : e.cause ?? '');
    default:
      return desk;
  }
}

/** Our leg went: what remains is the wrap-up, unless the agent is free already or never answered. */
function left(desk: Desk, call: Call, e: CtiEvent, cause: string): Desk {
  const drop = (): Desk => ({ ...desk, calls: desk.calls.filter((c) => c !== call) });
  const end = (): Desk => ({ ...desk, calls: desk.calls.map((c) => (c === call ? { ...c, state: 'wrap_up', since: e.at, ended: cause || 'normal' } : c)) });
  const tell = (d: Desk, kind: Notice['kind']): Desk => notify(d, { kind, at: e.at, call, cause });
  switch (call.state) {
    case 'reserved':
      return drop();
    case 'ringing':
      return tell(drop(), cause === 'abandoned' ? 'caller_left' : 'not_answered');
    case 'wrap_up':
      return call.ended === undefined ? { ...desk, calls: desk.calls.map((c) => (c === call ? { ...c, ended: cause || 'normal' } : c)) } : desk;
    default:
      return tell(desk.agent !== null && free.includes(desk.agent.state) ? drop() : end(), cause === 'transferred' ? 'transferred' : 'ended');
  }
}

// --- ticket and telephone

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
