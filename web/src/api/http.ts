// Requests to the node. Every failure is a Problem: RFC 9457 when the node
// answered, status 0 when it did not.

import type { Category, Session, Status, Ticket, Topic, Tracking } from './types';

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string, // last part of the problem's urn, "network" without an answer
    readonly detail: string,
    readonly fields: string[] = [],
    readonly retryAfter = 0, // seconds
  ) {
    super(`${status} ${kind}`);
  }
}

/** How far the node's clock is ahead of ours in ms, from the Date header (whole seconds). */
let clockAhead = 0;
const tolerated = 2000;
export const nodeNow = (): number => Date.now() + clockAhead;

function readClock(res: Response): void {
  const date = Date.parse(res.headers.get('Date') ?? '');
  if (Number.isNaN(date)) return;
  const ahead = date - Date.now();
  clockAhead = Math.abs(ahead) > tolerated ? ahead : 0;
}

async function request<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init: RequestInit = { method, credentials: 'same-origin', cache: 'no-store', headers: { Accept: 'application/json', ...headers } };
  if (method !== 'GET') init.headers = { ...init.headers, 'X-LA2': '1' };
  if (body !== undefined) {
    init.headers = { ...init.headers, 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  let res: Response;
  try {
    res = await fetch(`/cti/v1${path}`, init);
  } catch {
    throw new Problem(0, 'network', '');
  }
  readClock(res);
  const text = await res.text();
  let data: unknown = null;
  try {
    data = text === '' ? null : JSON.parse(text);
  } catch {
    if (res.ok) throw new Problem(res.status, 'unreadable', '');
  }
  if (res.ok) return data as T;
  throw problem(res, data);
}

function problem(res: Response, data: unknown): Problem {
  const d = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  const kind = typeof d['type'] === 'string' ? (d['type'].split(':').at(-1) ?? '') : '';
  const retry = Number(res.headers.get('Retry-After') ?? 0);
  return new Problem(res.status, kind, typeof d['detail'] === 'string' ? d['detail'] : '',
    fieldNames(d['fields'] ?? d['missing'] ?? d['errors']), Number.isFinite(retry) ? retry : 0);
}

/** ["topic"], [{"field":"topic"}] and {"topic":"…"} all name the field topic. */
function fieldNames(v: unknown): string[] {
  if (Array.isArray(v)) {
    return v.map((x: unknown) => (typeof x === 'string' ? x : String((x as { field?: unknown })?.field ?? ''))).filter((s) => s !== '');
  }
  return typeof v === 'object' && v !== null ? Object.keys(v) : [];
}

const id = encodeURIComponent;

export const session = {
  read: () => request<Session>('GET', '/session'),
  open: (user: string, password: string, device: string) => request<Session>('POST', '/session', { user, password, device }),
  close: () => request<null>('DELETE', '/session'),
};

export const agent = {
  ready: () => request('POST', '/agent/state', { state: 'ready' }),
  notReady: (reason: string) => request('POST', '/agent/state', { state: 'not_ready', reason }),
};

export type Target = { office: string } | { number: string };

export const calls = {
  hold: (call: string) => request('POST', `/calls/${id(call)}/hold`, {}),
  retrieve: (call: string) => request('POST', `/calls/${id(call)}/retrieve`, {}),
  transfer: (call: string, to: Target) => request('POST', `/calls/${id(call)}/transfer`, to),
  consult: (call: string, to: Target) => request('POST', `/calls/${id(call)}/consult`, to),
  complete: (call: string) => request('POST', `/calls/${id(call)}/complete`, {}),
  swap: (call: string) => request('POST', `/calls/${id(call)}/swap`, {}),
  answer: (call: string) => request('POST', `/calls/${id(call)}/answer`, {}),
  emergency: (call: string) => request('POST', `/calls/${id(call)}/emergency`, {}),
  hangup: (call: string) => request('POST', `/calls/${id(call)}/hangup`, {}),
};

/** Writes answer with the ticket; a node that answers with a position only is asked again. */
async function written(ticket: string, answer: unknown): Promise<Ticket> {
  const t = answer as Partial<Ticket> | null;
  return t?.ticket_id !== undefined && t.revision !== undefined ? (t as Ticket) : tickets.read(ticket);
}

export const tickets = {
  read: (ticket: string) => request<Ticket>('GET', `/tickets/${id(ticket)}`),
  edit: async (ticket: string, revision: number, change: object) =>
    written(ticket, await request('PUT', `/tickets/${id(ticket)}`, change, { 'If-Match': `"${revision}"` })),
  move: async (ticket: string, revision: number, transition: object) =>
    written(ticket, await request('POST', `/tickets/${id(ticket)}/transitions`, transition, { 'If-Match': `"${revision}"` })),
  tracking: (ticket: string) => request<Tracking>('POST', `/tickets/${id(ticket)}/tracking`, {}),
};

export async function taxonomy(lang: string): Promise<Category[]> {
  const data = await request<unknown>('GET', '/taxonomy');
  const list = Array.isArray(data) ? data : ((data as { categories?: unknown[] } | null)?.categories ?? []);
  const name = (v: unknown): string => {
    if (typeof v === 'string') return v;
    const m = (v ?? {}) as Record<string, string>;
    return m[lang] ?? m['it'] ?? Object.values(m)[0] ?? '';
  };
  type Raw = { code?: string; id?: string; name?: unknown; label?: unknown; title?: unknown; topics?: Raw[] };
  const topic = (r: Raw): Topic => ({ code: r.code ?? r.id ?? '', name: name(r.name ?? r.title ?? r.label) });
  return (list as Raw[]).map((c) => ({ ...topic(c), topics: (c.topics ?? []).map(topic) }));
}

export const status = () => request<Status>('GET', '/status');
