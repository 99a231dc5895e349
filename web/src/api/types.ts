// The shapes of docs/cti-protocol.md, as sent. Times are RFC 3339 UTC strings.

export interface Session {
  user: string;
  name: string;
  roles: string[];
  device: string;
  site: { ipa: string; name: string };
  expires: string;
}

export type AgentStateName =
  | 'logged_out' | 'not_ready' | 'ready' | 'reserved' | 'ringing' | 'talking' | 'wrap_up';

export interface AgentView {
  state: AgentStateName;
  reason: string;
  since: string;
  deadline: string;
  pending: string;
}

/** reserved: offered and not yet ringing; never shown, never in a snapshot. */
export type CallStateName = 'reserved' | 'ringing' | 'talking' | 'held' | 'transferring' | 'consulting' | 'wrap_up';

export interface Party {
  number?: string;
  display?: string;
  withheld?: boolean;
  verified?: boolean;
}

export interface CallView {
  call: string;
  leg: string;
  state: CallStateName;
  ticket: string;
  queue: string;
  service: string;
  dialled?: string;
  caller: Party;
  since: string;
  wait_ms: number;
  topic: string;
  from: string;
  class?: string;
  with?: string; // of a consultation: target, caller
  phone?: string; // what the telephone may be told: talk (to answer), hold
}

export interface QueueView { queue: string; waiting: number; longest_ms: number; ready: number }
export interface Office { ipa: string; name: string; number: string; up: boolean }

export interface Snapshot {
  user: string;
  name: string;
  device?: string;
  device_up?: boolean;
  agent?: Partial<AgentView> | null;
  calls?: CallView[] | null;
  queues?: QueueView[] | null;
  offices?: Office[] | null;
  reasons?: string[] | null;
}

/** cti.Event: only the fields the desktop reads. */
export interface CtiEvent {
  type: string;
  at: string;
  epoch?: string;
  seq?: number;
  call?: string;
  leg?: string;
  ticket?: string;
  agent?: string;
  device?: string;
  queue?: string;
  trunk?: string;
  service?: string;
  cause?: string;
  reason?: string;
  target?: string;
  value?: string;
  deadline?: string;
  info?: { caller?: Party; dialled?: string; service?: string; topic?: string; from?: string; class?: string; wait_ms?: number };
  change?: { kind: string; revision: number };
}

export type Frame =
  | { type: 'snapshot'; position: string; snapshot: Snapshot }
  | { type: 'event'; position: string; event: CtiEvent }
  | { type: 'tick'; position: string; queues?: QueueView[]; offices?: Office[] }
  | { type: 'bye'; reason: string };

export interface Contact {
  contact_id: string;
  channel: string;
  direction: string;
  at: string;
  site: string;
  wait_s?: number;
  duration_s?: number;
}

export interface HistoryEntry { at: string; by: string; role: string; kind: string }

export interface Ticket {
  ticket_id: string;
  creator_ipa: string;
  owner_ipa: string;
  state: string;
  reporting_state: string;
  category: string;
  topic: string;
  contact_reason: string;
  channel: string;
  language: string;
  subject: string;
  description: string;
  answer: string;
  outcome: string;
  opened_at: string;
  closed_at?: string;
  contacts?: Contact[] | null;
  history?: HistoryEntry[] | null;
  revision: number;
}

export interface Topic { code: string; name: string }
export interface Category { code: string; name: string; topics: Topic[] }
export interface Tracking { code: string; pin?: string }

export interface Status {
  site: { ipa: string; name: string };
  uptime_ms: number;
  queues: { queue: string; waiting: number; longest_ms: number; offered: number; answered: number; abandoned: number; redirected: number }[];
  agents: Record<string, Record<string, number>>;
  calls: number;
  trunks: { name: string; up: boolean; calls: number }[];
}
