// The tickets on the desktop and what the agent has typed into them, as a pure
// reducer. Typed text is never thrown away by anything that arrives: a newer
// revision is merged field by field, and a clash is shown, not decided.

import type { Ticket, Tracking } from '../api/types';

export const fields = ['category', 'topic', 'contact_reason', 'subject', 'description', 'answer', 'outcome'] as const;
export type Field = (typeof fields)[number];
export type Draft = Record<Field, string>;

/** Fields that PUT stores; answer and outcome go with the closing transition. */
export const stored: readonly Field[] = ['subject', 'description', 'category', 'topic', 'contact_reason'];

export type ItemState = 'loading' | 'ready' | 'saving' | 'gone' | 'failed';

export interface Item {
  id: string;
  base: Ticket | null; // last revision read
  draft: Draft;
  touched: Partial<Record<Field, true>>; // typed here and not yet stored
  conflicts: Partial<Record<Field, string>>; // touched fields that also changed elsewhere: their value
  errors: Partial<Record<Field, string>>; // code per field, from 422
  merged: boolean; // a newer revision was merged since the last save
  state: ItemState;
  savedAt: string;
  tracking: Tracking | null;
}

export interface Work { items: Record<string, Item>; shown: string }

export type WorkAction =
  | { type: 'want'; id: string }
  | { type: 'loaded'; ticket: Ticket }
  | { type: 'failed'; id: string; gone: boolean }
  | { type: 'edit'; id: string; field: Field; value: string }
  | { type: 'saving'; id: string }
  | { type: 'saved'; ticket: Ticket; at: string; sent: Partial<Draft> }
  | { type: 'invalid'; id: string; errors: Partial<Record<Field, string>> }
  | { type: 'stale'; id: string }
  | { type: 'resolve'; id: string; field: Field; keep: 'mine' | 'theirs' }
  | { type: 'tracking'; id: string; tracking: Tracking }
  | { type: 'show'; id: string }
  | { type: 'drop'; id: string }
  | { type: 'restore'; drafts: Drafts };

/** What survives a reload of the page: texts not stored yet, per ticket. */
export type Drafts = Record<string, Partial<Draft>>;

export const emptyWork: Work = { items: {}, shown: '' };
const emptyDraft: Draft = { category: '', topic: '', contact_reason: '', subject: '', description: '', answer: '', outcome: '' };

const newItem = (id: string): Item => ({
  id, base: null, draft: emptyDraft, touched: {}, conflicts: {}, errors: {}, merged: false,
  state: 'loading', savedAt: '', tracking: null,
});

export function reduceWork(work: Work, action: WorkAction): Work {
  const change = (id: string, f: (item: Item) => Item): Work => {
    const item = work.items[id];
    return item === undefined ? work : { ...work, items: { ...work.items, [id]: f(item) } };
  };
  switch (action.type) {
    case 'want':
      if (work.items[action.id] !== undefined) return work;
      return { items: { ...work.items, [action.id]: newItem(action.id) }, shown: work.shown || action.id };
    case 'loaded':
      return change(action.ticket.ticket_id, (i) => merge(i, action.ticket));
    case 'failed':
      return change(action.id, (i) => ({ ...i, state: action.gone ? 'gone' : 'failed' }));
    case 'edit':
      return change(action.id, (i) => edit(i, action.field, action.value));
    case 'saving':
      return change(action.id, (i) => ({ ...i, state: 'saving', errors: {} }));
    case 'saved':
      return change(action.ticket.ticket_id, (i) => saved(i, action.ticket, action.at, action.sent));
    case 'invalid':
      return change(action.id, (i) => ({ ...i, state: 'ready', errors: action.errors }));
    case 'stale':
      return change(action.id, (i) => ({ ...i, state: 'ready', merged: true }));
    case 'resolve':
      return change(action.id, (i) => resolve(i, action.field, action.keep));
    case 'tracking':
      return change(action.id, (i) => ({ ...i, tracking: action.tracking }));
    case 'show':
      return work.items[action.id] === undefined ? work : { ...work, shown: action.id };
    case 'drop': {
      const items = { ...work.items };
      delete items[action.id];
      const shown = work.shown === action.id ? (Object.keys(items).at(-1) ?? '') : work.shown;
      return { items, shown };
    }
    case 'restore':
      return restore(work, action.drafts);
  }
}

const value = (t: Ticket, f: Field): string => t[f] ?? '';

/** Takes a revision read from the node into an item that may hold typed text. */
function merge(item: Item, theirs: Ticket): Item {
  if (item.base !== null && theirs.revision < item.base.revision) return item; // an answer that came late
  const next: Item = { ...item, base: theirs, state: 'ready', draft: { ...item.draft }, touched: {}, conflicts: {} };
  for (const f of fields) {
    const mine = item.draft[f];
    const now = value(theirs, f);
    if (!item.touched[f] || mine === now) {
      next.draft[f] = now;
      continue;
    }
    next.touched[f] = true;
    const before = item.base === null ? '' : value(item.base, f);
    if (now !== before && now !== '') next.conflicts[f] = now;
    else if (item.conflicts[f] !== undefined) next.conflicts[f] = item.conflicts[f];
  }
  return next;
}

function edit(item: Item, field: Field, text: string): Item {
  const draft = { ...item.draft, [field]: text };
  const touched = { ...item.touched };
  if (item.base !== null && value(item.base, field) === text) delete touched[field];
  else touched[field] = true;
  const errors = { ...item.errors };
  delete errors[field];
  const next = { ...item, draft, touched, errors };
  // Another category: its topics are others.
  if (field === 'category' && draft.topic !== '' && !draft.topic.startsWith(text + '.')) return edit(next, 'topic', '');
  return next;
}

/** A save came back. What was typed while it was under way stays typed. */
function saved(item: Item, ticket: Ticket, at: string, sent: Partial<Draft>): Item {
  const touched = { ...item.touched };
  for (const f of fields) if (sent[f] !== undefined && sent[f] === item.draft[f]) delete touched[f];
  return { ...merge({ ...item, touched }, ticket), merged: false, errors: {}, savedAt: at };
}

function resolve(item: Item, field: Field, keep: 'mine' | 'theirs'): Item {
  const theirs = item.conflicts[field];
  const conflicts = { ...item.conflicts };
  delete conflicts[field];
  const next = { ...item, conflicts };
  return keep === 'theirs' && theirs !== undefined ? edit(next, field, theirs) : next;
}

function restore(work: Work, drafts: Drafts): Work {
  const items = { ...work.items };
  for (const [id, draft] of Object.entries(drafts)) {
    if (items[id] !== undefined) continue;
    const item = newItem(id);
    const touched: Item['touched'] = {};
    for (const f of fields) if (draft[f] !== undefined) touched[f] = true;
    items[id] = { ...item, draft: { ...emptyDraft, ...draft }, touched };
  }
  return { items, shown: work.shown || (Object.keys(items)[0] ?? '') };
}

/** The texts a reload must not lose, and which tickets are still to be closed. */
export function drafts(work: Work): Drafts {
  const out: Drafts = {};
  for (const item of Object.values(work.items)) {
    const touched = Object.keys(item.touched) as Field[];
    if (isClosed(item) || (touched.length === 0 && !isOpen(item))) continue;
    out[item.id] = Object.fromEntries(touched.map((f) => [f, item.draft[f]]));
  }
  return out;
}

/** Typed text that PUT would store. */
export const unsaved = (item: Item): Field[] => stored.filter((f) => item.touched[f]);

/** Answered and not closed: it stays on the desktop until it is. */
export const isOpen = (item: Item): boolean =>
  item.base !== null && item.state !== 'gone' && ['open_fo', 'open_bo', 'working_bo'].includes(item.base.state);

export const isClosed = (item: Item): boolean =>
  item.base !== null && ['closed_fo', 'closed_bo', 'cancelled', 'external'].includes(item.base.state);
