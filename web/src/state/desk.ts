// The state of the desktop as a pure fold over protocol frames: no clock, no
// network, no storage. The component tree renders it, stream.ts feeds it.
//
//   ready ─offer─► reserved ─Delivered─► ringing ─Established─► talking ─► wrap_up ─► ready | not_ready
//                     └────────────── Diverted ◄──┘

import type { AgentView, CallView, Frame, Office, QueueView, Snapshot } from '../api/types';
import { applyEvent } from './event';
import { compare } from './position';

/** connecting: never live yet; lost: was live, reconnecting; ended: told not to come back. */
export type Link = 'connecting' | 'live' | 'lost' | 'ended';

/** A CallView with what only events tell: where a transfer goes and how it ended. */
export interface Call extends CallView {
  target?: string;
  failed?: string; // cause of the last failed transfer
  ended?: string; // cause, once in wrap_up
}

/** A call as the screen shows it: not before it rings. */
export type ShownCall = Call & { state: Exclude<Call['state'], 'reserved'> };

/** Something to tell the agent: announced in the live region, shown in the log. */
export interface Notice {
  id: number;
  kind:
    | 'ringing' | 'established' | 'held' | 'retrieved' | 'transferring' | 'consulting' | 'transferred' | 'transfer_failed'
    | 'caller_left' | 'not_answered' | 'ended' | 'wrap_up' | 'ready' | 'not_ready' | 'logged_out'
    | 'device_up' | 'device_down' | 'attached';
  at: string;
  call?: Call;
  cause?: string;
  reason?: string;
  target?: string;
}

export interface Desk {
  position: string;
  link: Link;
  attempt: number; // of the reconnection under way
  bye: string; // reason of the last bye
  resync: boolean; // the next connection must ask for a snapshot
  loaded: boolean; // a snapshot was seen
  user: string;
  device: string;
  deviceUp: boolean;
  agent: AgentView | null; // null for a user without the role agent
  calls: Call[];
  queues: QueueView[];
  queuesAt: number; // when queues were last told, ms since the epoch; 0: never
  offices: Office[];
  reasons: string[];
  /** Highest revision heard of, per ticket. */
  revisions: Record<string, number>;
  /** Grows with every snapshot: tickets on screen are read again. */
  snapshots: number;
  notices: Notice[];
  lastNotice: number;
}

export type Action =
  | { type: 'frame'; frame: Frame; at: number }
  | { type: 'link'; link: Link; attempt?: number }
  | { type: 'pending'; pending: string }
  | { type: 'dismiss'; id: number };

export const emptyDesk: Desk = {
  position: '', link: 'connecting', attempt: 0, bye: '', resync: false, loaded: false,
  user: '', device: '', deviceUp: true, agent: null, calls: [], queues: [], queuesAt: 0,
  offices: [], reasons: [], revisions: {}, snapshots: 0, notices: [], lastNotice: 0,
};

/** How many notices the log keeps. */
const noticesKept = 30;

export function reduce(desk: Desk, action: Action): Desk {
  switch (action.type) {
    case 'link':
      return { ...desk, link: action.link, attempt: action.attempt ?? 0 };
    case 'pending':
      return desk.agent === null ? desk : { ...desk, agent: { ...desk.agent, pending: action.pending } };
    case 'dismiss':
      return { ...desk, notices: desk.notices.filter((n) => n.id !== action.id) };
    case 'frame':
      return applyFrame(desk, action.frame, action.at);
  }
}

function applyFrame(desk: Desk, frame: Frame, at: number): Desk {
  if (frame.type === 'snapshot') return applySnapshot(desk, frame.position, frame.snapshot, at);
  if (frame.type === 'bye') return { ...desk, bye: frame.reason };
  if (frame.type !== 'event' && frame.type !== 'tick') return desk; // a later protocol's frame
  switch (compare(desk.position, frame.position)) {
    case 'old': // read before the reconnection
      return desk;
    case 'other-epoch': // the journal began anew without a snapshot: what we hold is void
    case 'malformed':
      return { ...desk, resync: true };
    case 'new':
      break;
  }
  if (!desk.loaded) return { ...desk, resync: true }; // events mean nothing before a snapshot
  const moved = { ...desk, position: frame.position };
  if (frame.type === 'tick') {
    const counted = frame.queues === undefined ? moved : { ...moved, queues: frame.queues, queuesAt: at };
    return frame.offices === undefined ? counted : { ...counted, offices: frame.offices };
  }
  return applyEvent(moved, frame.event);
}

/** A snapshot replaces all that the node told before; only the notices stay. */
function applySnapshot(desk: Desk, position: string, s: Snapshot, at: number): Desk {
  return {
    ...desk,
    position, resync: false, loaded: true, bye: '',
    user: s.user, device: s.device ?? '', deviceUp: s.device_up ?? true,
    agent: s.agent == null ? null : {
      state: s.agent.state ?? 'not_ready', reason: s.agent.reason ?? '', since: s.agent.since ?? '',
      deadline: s.agent.deadline ?? '', pending: s.agent.pending ?? '',
    },
    calls: (s.calls ?? []).map((c) => ({ ...c, caller: c.caller ?? {} })),
    queues: s.queues ?? [], queuesAt: at,
    offices: s.offices ?? [], reasons: s.reasons ?? [],
    revisions: {}, snapshots: desk.snapshots + 1,
  };
}

/** Adds a notice; pure, so its id comes from the state. */
export function notify(desk: Desk, n: Omit<Notice, 'id'>): Desk {
  const id = desk.lastNotice + 1;
  return { ...desk, lastNotice: id, notices: [...desk.notices, { ...n, id }].slice(-noticesKept) };
}

/** The call the screen is about: the one that is alive, else the one in wrap-up. */
export function currentCall(desk: Desk): ShownCall | undefined {
  const shown = desk.calls.filter((c): c is ShownCall => c.state !== 'reserved');
  return shown.find((c) => c.state === 'talking' || c.state === 'held' || c.state === 'transferring' || c.state === 'consulting')
    ?? shown.find((c) => c.state === 'ringing')
    ?? shown.at(-1);
}

/** What is left of the wrap-up in ms, 0 when over, null when there is none or it has no limit. `now` is the node's clock. */
export function wrapUpLeft(desk: Desk, now: number): number | null {
  if (desk.agent?.state !== 'wrap_up' || desk.agent.deadline === '') return null;
  const deadline = Date.parse(desk.agent.deadline);
  if (Number.isNaN(deadline) || deadline <= 0) return null;
  return Math.max(0, deadline - now);
}
