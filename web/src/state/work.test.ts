import { describe, expect, it } from 'vitest';
import type { Ticket } from '../api/types';
import { duration, countdown, group, service } from './format';
import { personalData } from './privacy';
import { drafts, emptyWork, reduceWork, unsaved, type Item, type Work, type WorkAction } from './work';

const ticket = (over: Partial<Ticket> = {}): Ticket => ({
  ticket_id: 'f.T1', creator_ipa: 'f', owner_ipa: 'f', state: 'open_fo', reporting_state: 'in_fo', category: '', topic: '',
  contact_reason: '', channel: 'phone', language: 'it', subject: '', description: '', answer: '', outcome: '', opened_at: '', revision: 1, ...over,
});
const run = (work: Work, ...actions: WorkAction[]): Work => actions.reduce(reduceWork, work);
const open = (): Work => run(emptyWork, { type: 'want', id: 'f.T1' }, { type: 'loaded', ticket: ticket() });
const item = (w: Work): Item => w.items['f.T1']!;
const type = (field: 'subject' | 'description' | 'category' | 'topic', value: string): WorkAction => ({ type: 'edit', id: 'f.T1', field, value });

describe('work', () => {
  it('merges a newer revision without losing what was typed', () => {
    const w = run(open(), type('subject', 'Pensione'), { type: 'loaded', ticket: ticket({ revision: 2, description: 'dal BO' }) });
    expect(item(w).draft).toMatchObject({ subject: 'Pensione', description: 'dal BO' });
    expect(item(w).conflicts).toEqual({});
    expect(unsaved(item(w))).toEqual(['subject']);
  });
  it('shows a clash and lets the agent decide', () => {
    const w = run(open(), type('subject', 'Pensione'), { type: 'loaded', ticket: ticket({ revision: 2, subject: 'Contributi' }) });
    expect(item(w).conflicts).toEqual({ subject: 'Contributi' });
    expect(item(w).draft.subject).toBe('Pensione');
    const theirs = run(w, { type: 'resolve', id: 'f.T1', field: 'subject', keep: 'theirs' });
    expect([item(theirs).draft.subject, item(theirs).conflicts, unsaved(item(theirs))]).toEqual(['Contributi', {}, []]);
    const mine = run(w, { type: 'resolve', id: 'f.T1', field: 'subject', keep: 'mine' });
    expect([item(mine).draft.subject, item(mine).conflicts]).toEqual(['Pensione', {}]);
  });
  it('a clash not decided survives the next revision', () => {
    const w = run(open(), type('subject', 'Pensione'), { type: 'loaded', ticket: ticket({ revision: 2, subject: 'Contributi' }) },
      { type: 'loaded', ticket: ticket({ revision: 3, subject: 'Contributi', answer: 'x' }) });
    expect(item(w).conflicts).toEqual({ subject: 'Contributi' });
  });
  it('ignores an older revision that arrives late', () => {
    const w = run(open(), { type: 'loaded', ticket: ticket({ revision: 5, subject: 'cinque' }) }, { type: 'loaded', ticket: ticket({ revision: 4, subject: 'quattro' }) });
    expect(item(w).draft.subject).toBe('cinque');
  });
  it('keeps what was typed while a save was under way', () => {
    const w = run(open(), type('subject', 'a'), { type: 'saving', id: 'f.T1' }, type('subject', 'ab'),
      { type: 'saved', ticket: ticket({ revision: 2, subject: 'a' }), at: '', sent: { subject: 'a' } });
    expect(item(w).draft.subject).toBe('ab');
    expect(unsaved(item(w))).toEqual(['subject']);
  });
  it('takes what the node made of a saved text', () => {
    const w = run(open(), type('subject', ' a '), { type: 'saved', ticket: ticket({ revision: 2, subject: 'a' }), at: '', sent: { subject: ' a ' } });
    expect([item(w).draft.subject, unsaved(item(w))]).toEqual(['a', []]);
  });
  it('another category clears a topic of the old one', () => {
    const w = run(open(), type('category', '13'), type('topic', '13.01'), type('category', '04'));
    expect(item(w).draft).toMatchObject({ category: '04', topic: '' });
  });
  it('an edited field loses its error', () => {
    const w = run(open(), { type: 'invalid', id: 'f.T1', errors: { category: 'missing', topic: 'missing' } }, type('category', '13'));
    expect(item(w).errors).toEqual({ topic: 'missing' });
  });
  it('restores typed text after a reload and merges it', () => {
    const before = run(open(), type('subject', 'Pensione'));
    const after = run(emptyWork, { type: 'restore', drafts: drafts(before) }, { type: 'want', id: 'f.T1' },
      { type: 'loaded', ticket: ticket({ description: 'd' }) });
    expect(item(after).draft).toMatchObject({ subject: 'Pensione', description: 'd' });
    expect(unsaved(item(after))).toEqual(['subject']);
  });
  it('keeps no text of a closed ticket', () => {
    const w = run(open(), type('subject', 'x'), { type: 'loaded', ticket: ticket({ revision: 2, state: 'closed_fo' }) });
    expect(drafts(w)).toEqual({});
  });
  it('drops and shows another', () => {
    const w = run(open(), { type: 'want', id: 'f.T2' }, { type: 'drop', id: 'f.T1' });
    expect(w.shown).toBe('f.T2');
  });
});

describe('personal data in the subject', () => {
  it.each([
    ['Ricongiunzione contributi INPS', null], ['Bando 2026, art. 12 comma 3', null], ['Legge 241/1990', null], ['Chiama 803.001', null],
    ['RSSMRA80A01H501U chiede', 'codice_fiscale'], ['IT60 X054 2811 1010 0000 0123 456', 'iban'], ['scrivere a m.rossi@example.it', 'email'],
    ['tel 333 123 4567', 'phone'], ['+390831000111', 'phone'],
  ])('%s → %s', (text, want) => expect(personalData(text)).toBe(want));
});

describe('format', () => {
  it('durations', () => {
    expect([duration(0), duration(83_999), duration(3_683_000), duration(-5)]).toEqual(['0:00', '1:23', '1:01:23', '0:00']);
    expect([countdown(1), countdown(0), countdown(30_000)]).toEqual(['0:01', '0:00', '0:30']);
  });
  it('numbers', () => {
    expect([service('803001'), service('+390831000111'), group('123 456', 3), group('123456789', 3)]).toEqual(['803.001', '+390831000111', '123 456', '123 456 789']);
  });
});
