import { describe, expect, it } from 'vitest';
import type { CtiEvent, Frame, Snapshot } from '../api/types';
import { currentCall, emptyDesk, reduce, wrapUpLeft, type Desk } from './desk';
import { compare, parsePosition } from './position';

const t0 = Date.parse('2026-03-10T09:00:00Z');
const iso = (s: number): string => new Date(t0 + s * 1000).toISOString();

const snapshot = (over: Partial<Snapshot> = {}): Snapshot => ({
  user: '1001', name: 'Maria Rossi', device: '1001', device_up: true,
  agent: { state: 'ready', reason: '', since: iso(0), deadline: '', pending: '' },
  calls: [], queues: [{ queue: 'urp', waiting: 0, longest_ms: 0, ready: 1 }],
  offices: [{ ipa: 'cmna', name: 'Città metropolitana di Napoli', number: '+390810002222', up: true }],
  reasons: ['pausa'], ...over,
});

const snap = (position: string, over?: Partial<Snapshot>): Frame => ({ type: 'snapshot', position, snapshot: snapshot(over) });
const ev = (seq: number, type: string, more: Partial<CtiEvent> = {}, epoch = 'E1'): Frame =>
  ({ type: 'event', position: `${epoch}.${seq}`, event: { type, at: iso(seq), ...more } });
const feed = (desk: Desk, ...frames: Frame[]): Desk =>
  frames.reduce((d, frame) => reduce(d, { type: 'frame', frame, at: t0 }), desk);
const start = (): Desk => feed(emptyDesk, snap('E1.10'));

const me = { agent: '1001' };
const ring = (seq: number, call = 'C1'): Frame => ev(seq, 'Delivered', {
  ...me, call, leg: `${call}/2`, ticket: `formezpa.${call}`, queue: 'urp', service: '803001', device: '1001',
  info: { caller: { number: '+390••••••12' }, dialled: '803001', topic: 'previdenza', from: 'c_b180', wait_ms: 21000 },
});
const talk = (seq: number): Frame => ev(seq, 'Established', { ...me, call: 'C1', leg: 'C1/2' });

describe('positions', () => {
  it('reads EPOCH.SEQ and refuses the rest', () => {
    expect(parsePosition('01JZ.7')).toEqual({ epoch: '01JZ', seq: 7 });
    for (const bad of ['', '.3', 'x', 'x.', 'x.-1', 'x.1e3']) expect(parsePosition(bad)).toBeNull();
  });
  it('orders', () => {
    expect(compare('', 'E.1')).toBe('new');
    expect(compare('E.9', 'E.10')).toBe('new');
    expect(compare('E.10', 'E.10')).toBe('old');
    expect(compare('E.10', 'F.11')).toBe('other-epoch');
    expect(compare('E.10', '?')).toBe('malformed');
  });
});

describe('a whole call', () => {
  it('rings with what the pop needs, before answer', () => {
    const d = feed(start(), ev(11, 'AgentReserved', me), ring(12));
    expect(d.agent?.state).toBe('ringing');
    expect(currentCall(d)).toMatchObject({
      state: 'ringing', ticket: 'formezpa.C1', queue: 'urp', service: '803001', dialled: '803001', wait_ms: 21000, topic: 'previdenza',
      from: 'c_b180', caller: { number: '+390••••••12' },
    });
    expect(d.notices.at(-1)?.kind).toBe('ringing');
  });

  it('learns what its telephone may be told, not what a colleague’s may', () => {
    const d = feed(start(), ev(11, 'AgentReserved', me), ring(12));
    expect(currentCall(feed(d, ev(13, 'Controllable', { call: 'C1', leg: 'C1/2', device: '1001', value: 'talk,hold' })))?.phone).toBe('talk,hold');
    expect(currentCall(feed(d, ev(13, 'Controllable', { call: 'C1', leg: 'C1/3', device: '1002', value: 'talk' })))?.phone).toBeUndefined();
  });

  it('pops for a colleague’s transfer, which the floor knows nothing of', () => {
    let d = feed(start(), ev(11, 'Delivered', { call: 'C1', leg: 'C1/3', device: '1001', ticket: 'formezpa.C1' }));
    expect([d.agent?.state, currentCall(d)?.state, currentCall(d)?.ticket]).toEqual(['ready', 'ringing', 'formezpa.C1']);
    d = feed(d, ev(12, 'Transferred', { call: 'C1', leg: 'C1/2' }), ev(13, 'Established', { call: 'C1', leg: 'C1/3', device: '1001' }));
    expect([d.agent?.state, currentCall(d)?.state]).toEqual(['ready', 'talking']);
    expect(currentCall(feed(d, ev(14, 'CallCleared', { call: 'C1', cause: 'normal' })))).toBeUndefined();
  });

  it('takes the caller back from a transfer: no failure to report', () => {
    let d = feed(start(), ring(12), talk(13), ev(14, 'Transferring', { call: 'C1', leg: 'C1/2', target: 'napoli' }));
    expect(currentCall(d)?.state).toBe('transferring');
    d = feed(d, ev(15, 'TransferFailed', { call: 'C1', leg: 'C1/2', target: 'napoli', cause: 'abandoned' }));
    expect(currentCall(d)).toMatchObject({ state: 'talking', since: iso(15) });
    expect(currentCall(d)?.failed).toBeUndefined();
    expect(d.notices.at(-1)?.kind).toBe('retrieved');
  });

  it('talks, holds, retrieves, ends, wraps up, is ready', () => {
    let d = feed(start(), ring(12), talk(13), ev(14, 'AgentBusy', me));
    expect([d.agent?.state, currentCall(d)?.state]).toEqual(['talking', 'talking']);
    d = feed(d, ev(15, 'Held', { call: 'C1', leg: 'C1/2' }));
    expect(currentCall(d)?.state).toBe('held');
    d = feed(d, ev(16, 'Retrieved', { call: 'C1', leg: 'C1/2' }));
    expect(currentCall(d)?.state).toBe('talking');
    d = feed(d, ev(17, 'CallCleared', { call: 'C1', cause: 'normal' }), ev(18, 'AgentWorkingAfterCall', { ...me, deadline: iso(48) }));
    expect([d.agent?.state, currentCall(d)?.state, currentCall(d)?.ended]).toEqual(['wrap_up', 'wrap_up', 'normal']);
    d = feed(d, ev(49, 'AgentReady', me));
    expect([d.agent?.state, d.calls.length]).toEqual(['ready', 0]);
  });

  it('keeps the cause whichever of wrap-up and clearing comes first', () => {
    const d = feed(start(), ring(12), talk(13), ev(14, 'AgentWorkingAfterCall', me), ev(15, 'CallCleared', { call: 'C1', cause: 'normal' }));
    expect(currentCall(d)).toMatchObject({ state: 'wrap_up', ended: 'normal' });
  });

  it('a caller who leaves while ringing leaves nothing behind', () => {
    for (const end of [ev(13, 'CallCleared', { call: 'C1', cause: 'abandoned' }), ev(13, 'Diverted', { ...me, call: 'C1', cause: 'abandoned' })]) {
      const d = feed(start(), ring(12), end, ev(14, 'AgentReady', me));
      expect(d.calls).toEqual([]);
      expect(d.agent?.state).toBe('ready');
      expect(d.notices.some((n) => n.kind === 'caller_left')).toBe(true);
    }
  });

  it('redirect on no answer says so', () => {
    const d = feed(start(), ring(12), ev(13, 'Diverted', { ...me, call: 'C1', cause: 'no_answer' }), ev(14, 'AgentNotReady', { ...me, reason: 'no_answer' }));
    expect(d.calls).toEqual([]);
    expect(d.agent).toMatchObject({ state: 'not_ready', reason: 'no_answer' });
    expect(d.notices.map((n) => n.kind)).toContain('not_answered');
  });
});

describe('transfer', () => {
  const talking = (): Desk => feed(start(), ring(12), talk(13));
  it('goes away with its target', () => {
    let d = feed(talking(), ev(14, 'Transferring', { call: 'C1', target: 'cmna' }));
    expect(currentCall(d)).toMatchObject({ state: 'transferring', target: 'cmna' });
    d = feed(d, ev(15, 'Transferred', { call: 'C1', leg: 'C1/2', target: 'C1/3' }), ev(16, 'ConnectionCleared', { call: 'C1', leg: 'C1/2', cause: 'transferred' }));
    expect(currentCall(d)).toMatchObject({ state: 'wrap_up', ended: 'transferred' });
  });
  it('in two steps: consult, swap, hand over', () => {
    let d = feed(talking(), ev(14, 'Transferring', { call: 'C1', leg: 'C1/2', target: 'cmna' }), ev(15, 'Consulting', { call: 'C1', leg: 'C1/2', target: 'cmna', value: 'target' }));
    expect(currentCall(d)).toMatchObject({ state: 'consulting', with: 'target', target: 'cmna', since: iso(15) });
    d = feed(d, ev(16, 'Consulting', { call: 'C1', leg: 'C1/2', value: 'caller' }));
    expect(currentCall(d)).toMatchObject({ state: 'consulting', with: 'caller' });
    expect(currentCall(feed(d, ev(17, 'TransferFailed', { call: 'C1', leg: 'C1/2', cause: 'abandoned' })))?.state).toBe('talking');
    expect(currentCall(feed(d, ev(17, 'Transferred', { call: 'C1', leg: 'C1/2' })))).toMatchObject({ state: 'wrap_up', ended: 'transferred' });
  });
  it('comes back with the cause', () => {
    const d = feed(talking(), ev(14, 'Transferring', { call: 'C1', target: 'cmna' }), ev(15, 'TransferFailed', { call: 'C1', leg: 'C1/2', cause: 'busy' }));
    expect(currentCall(d)).toMatchObject({ state: 'talking', failed: 'busy', target: 'cmna' });
  });
  it('inside the office: what happens to the other agent is not ours', () => {
    const d = feed(talking(), ev(14, 'Transferring', { call: 'C1', target: '1002' }),
      ev(15, 'Delivered', { agent: '1002', call: 'C1', leg: 'C1/3' }), ev(16, 'Established', { agent: '1002', call: 'C1', leg: 'C1/3' }),
      ev(17, 'Held', { call: 'C1', leg: 'C1/3' }), ev(18, 'AgentBusy', { agent: '1002' }));
    expect(d.calls).toHaveLength(1);
    expect(currentCall(d)).toMatchObject({ state: 'transferring', leg: 'C1/2' });
  });
  it('another leg that ends does not end ours', () => {
    const d = feed(talking(), ev(14, 'ConnectionCleared', { call: 'C1', leg: 'C1/3', cause: 'busy' }));
    expect(currentCall(d)?.state).toBe('talking');
  });
});

describe('floor and switch cross', () => {
  const call = { call: 'C1' };
  const floor = (end: string): [string, Partial<CtiEvent>][] => [
    ['AgentReserved', { ...me, ...call, queue: 'urp' }], ['Delivered', { ...me, ...call, ticket: 'formezpa.C1', info: { caller: { withheld: true } } }],
    ['AgentBusy', { ...me, ...call, leg: 'C1/2', device: '1001' }], ['AgentWorkingAfterCall', { ...me, ...call, deadline: iso(60) }], [end, me]];
  const sw: [string, Partial<CtiEvent>][] = [
    ['Answered', call], ['Established', { ...call, leg: 'C1/2', device: '1001' }], ['Held', { ...call, leg: 'C1/2' }], ['Retrieved', { ...call, leg: 'C1/2' }],
    ['ConnectionCleared', { ...call, leg: 'C1/2', cause: 'normal' }], ['CallCleared', { ...call, cause: 'normal' }]];
  /** Every interleaving of a and b. */
  function* merges<T>(a: T[], b: T[]): Generator<T[]> {
    if (a.length === 0 || b.length === 0) { yield [...a, ...b]; return; }
    for (const rest of merges(a.slice(1), b)) yield [a[0]!, ...rest];
    for (const rest of merges(a, b.slice(1))) yield [b[0]!, ...rest];
  }
  it('in any order the end is the same and nothing is stuck', () => {
    for (const end of ['AgentReady', 'AgentNotReady']) {
      let n = 0;
      for (const order of merges(floor(end), sw)) {
        n++;
        const d = feed(start(), ...order.map(([type, more], i) => ev(11 + i, type, more)));
        expect(d.calls, order.map(([t]) => t).join(' ')).toEqual([]);
        expect(d.agent?.state).toBe(end === 'AgentReady' ? 'ready' : 'not_ready');
        expect(d.notices.filter((x) => x.kind === 'established').length).toBeLessThanOrEqual(1);
      }
      expect(n).toBe(462);
    }
  });
  it('a phone that answers at once: talking, with what Delivered told', () => {
    const d = feed(start(), ev(11, 'AgentReserved', { ...me, ...call }), ev(12, 'Established', { ...call, leg: 'C1/2', device: '1001' }), ring(13));
    expect(currentCall(d)).toMatchObject({ state: 'talking', ticket: 'formezpa.C1', leg: 'C1/2', topic: 'previdenza' });
  });
  it('an offer is not shown before it rings', () => {
    const d = feed(start(), ev(11, 'AgentReserved', { ...me, ...call }));
    expect([d.agent?.state, currentCall(d)]).toEqual(['reserved', undefined]);
  });
  it('the answer of another leg or telephone is not ours', () => {
    const d = feed(start(), ev(11, 'AgentReserved', { ...me, ...call }), ev(12, 'Delivered', { ...me, ...call }));
    for (const other of [{ leg: 'C1/1' }, { leg: 'C1/3', device: '1002' }, { leg: 'C1/3', trunk: 'napoli' }, { leg: 'C1/3', agent: 'colleague' }]) {
      expect(currentCall(feed(d, ev(13, 'Established', { ...call, ...other })))?.state).toBe('ringing');
    }
  });
});

describe('the stream', () => {
  it('drops what it has read before', () => {
    const d = feed(start(), ring(12), talk(13));
    const again = feed(d, ring(12), talk(13), { type: 'tick', position: 'E1.13' });
    expect(again).toEqual(d);
  });
  it('reads every prefix and suffix split as the whole', () => {
    const frames = [ring(12), talk(13), ev(14, 'Held', { call: 'C1', leg: 'C1/2' }), ev(15, 'Retrieved', { call: 'C1', leg: 'C1/2' }),
      ev(16, 'CallCleared', { call: 'C1', cause: 'normal' }), ev(17, 'AgentWorkingAfterCall', { ...me, deadline: iso(47) }), ev(18, 'AgentReady', me)];
    const whole = feed(start(), ...frames);
    for (let cut = 0; cut <= frames.length; cut++) {
      for (let overlap = 0; overlap <= cut; overlap++) { // resumed from a position already passed
        expect(feed(start(), ...frames.slice(0, cut), ...frames.slice(cut - overlap))).toEqual(whole);
      }
    }
  });
  it('takes the offices of a tick', () => {
    const d = feed(start(), { type: 'tick', position: 'E1.11', offices: [{ ipa: 'cmna', name: 'N', number: '1', up: false }] });
    expect(d.offices[0]?.up).toBe(false);
  });
  it('moves the position by ticks and takes their queues', () => {
    const d = feed(start(), { type: 'tick', position: 'E1.500', queues: [{ queue: 'urp', waiting: 4, longest_ms: 9000, ready: 0 }] });
    expect([d.position, d.queues[0]?.waiting]).toEqual(['E1.500', 4]);
  });
  it('a snapshot replaces everything but the notices', () => {
    const d = feed(start(), ring(12), talk(13), ev(14, 'TicketUpdated', { call: 'C1', ticket: 'formezpa.C1', change: { kind: 'edited', revision: 4 } }));
    const e = feed(d, snap('E2.3', { agent: { state: 'not_ready', reason: 'pausa' } }));
    expect(e).toMatchObject({ position: 'E2.3', calls: [], revisions: {}, resync: false, snapshots: d.snapshots + 1 });
    expect(e.agent).toMatchObject({ state: 'not_ready', reason: 'pausa' });
    expect(e.notices).toEqual(d.notices);
  });
  it('another epoch without a snapshot asks for one and changes nothing', () => {
    const d = start();
    const e = feed(d, ev(1, 'AgentNotReady', me, 'E2'));
    expect(e).toEqual({ ...d, resync: true });
    expect(feed(e, snap('E2.5')).resync).toBe(false);
  });
  it('survives frames of a later protocol and of other agents', () => {
    const d = start();
    const e = feed(d, { type: 'weather', position: 'E1.11' } as unknown as Frame, ev(12, 'SomethingNew', { call: 'C9' }), ev(13, 'AgentNotReady', { agent: '1002' }));
    expect({ ...e, position: '' }).toEqual({ ...d, position: '' });
  });
  it('keeps the reason of bye', () => {
    expect(feed(start(), { type: 'bye', reason: 'shutdown' }).bye).toBe('shutdown');
  });
});

describe('agent', () => {
  it('keeps the pending state until a state is entered', () => {
    let d = reduce(feed(start(), ring(12), talk(13)), { type: 'pending', pending: 'not_ready' });
    d = feed(d, ev(14, 'AgentBusy', { ...me, call: 'C1', value: 'not_ready' }), ev(15, 'AgentWorkingAfterCall', { ...me, deadline: iso(45), value: 'not_ready' }));
    expect(d.agent?.pending).toBe('not_ready');
    expect(feed(d, ev(16, 'AgentWorkingAfterCall', { ...me, deadline: iso(45), value: 'ready' })).agent).toMatchObject({ pending: 'ready', since: iso(15) });
    expect(feed(d, ev(46, 'AgentNotReady', { ...me, reason: 'pausa' })).agent).toMatchObject({ pending: '', reason: 'pausa' });
  });
  it('counts the wrap-up down on the node\'s clock', () => {
    const d = feed(start(), ring(12), talk(13), ev(18, 'AgentWorkingAfterCall', { ...me, deadline: iso(48) }));
    expect(wrapUpLeft(d, t0 + 18_000)).toBe(30_000);
    expect(wrapUpLeft(d, t0 + 60_000)).toBe(0);
    expect(wrapUpLeft(feed(d, ev(49, 'AgentReady', me)), t0)).toBeNull();
    const endless = feed(start(), ev(18, 'AgentWorkingAfterCall', me));
    expect(wrapUpLeft(endless, t0)).toBeNull();
  });
  it('a zero deadline is none', () => {
    const d = feed(emptyDesk, snap('E1.1', { agent: { state: 'wrap_up', deadline: '0001-01-01T00:00:00Z' } }));
    expect(wrapUpLeft(d, t0)).toBeNull();
  });
  it('station down and up', () => {
    const d = feed(start(), ev(11, 'DeviceDown', { device: '1001' }), ev(12, 'DeviceDown', { device: '1002' }));
    expect(d.deviceUp).toBe(false);
    expect(feed(d, ev(13, 'DeviceUp', { device: '1001' })).deviceUp).toBe(true);
  });
  it('a supervisor without an agent has a desk without one', () => {
    const d = feed(emptyDesk, snap('E1.1', { agent: null, calls: null }));
    expect([d.agent, d.calls]).toEqual([null, []]);
  });
  it('attaching another ticket to the call changes its ticket', () => {
    const d = feed(start(), ring(12), ev(13, 'TicketAttached', { call: 'C1', ticket: 'cmna.T2', change: { kind: 'attached', revision: 7 } }));
    expect(currentCall(d)?.ticket).toBe('cmna.T2');
    expect(d.revisions['cmna.T2']).toBe(7);
  });
});
