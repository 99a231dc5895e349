import { describe, expect, it } from 'vitest';
import { emptyDesk, reduce, type Desk, type Link } from '../state/desk';
import { Stream, type Socket, type Wire } from './stream';
import type { Frame } from './types';

/** A world with a hand-driven clock and sockets that the test plays. */
function world(loggedIn: () => boolean = () => true) {
  let now = 0;
  let timers: { at: number; f: () => void }[] = [];
  const sockets: (Socket & { url: string; sent: string[]; closed: boolean })[] = [];
  const wire: Wire = {
    open(url) {
      const s = { url, sent: [] as string[], closed: false, onopen: null, onmessage: null, onclose: null,
        send(t: string) { s.sent.push(t); }, close() { s.closed = true; } } as (typeof sockets)[number];
      sockets.push(s);
      return s;
    },
    later(f, ms) {
      const t = { at: now + ms, f };
      timers.push(t);
      return () => { timers = timers.filter((x) => x !== t); };
    },
    random: () => 0,
    now: () => now,
  };
  let desk: Desk = emptyDesk;
  const links: [Link, number][] = [];
  let out = false;
  const stream = new Stream('ws://n/cti/v1/events', {
    position: () => (desk.resync ? '' : desk.position),
    frame: (frame) => { desk = reduce(desk, { type: 'frame', frame, at: now }); },
    link: (l, n) => { links.push([l, n]); desk = reduce(desk, { type: 'link', link: l, attempt: n }); },
    stillLoggedIn: () => Promise.resolve(loggedIn()),
    loggedOut: () => { out = true; },
  }, wire);
  const settle = async (): Promise<void> => { for (let i = 0; i < 10; i++) await Promise.resolve(); };
  return {
    stream, sockets, links, settle,
    desk: () => desk, out: () => out, timers: () => timers.length,
    last: () => sockets.at(-1)!,
    say: (f: Frame) => sockets.at(-1)!.onmessage?.(JSON.stringify(f)),
    async pass(ms: number) {
      const end = now + ms;
      for (;;) {
        const t = timers.filter((x) => x.at <= end).sort((a, b) => a.at - b.at)[0];
        if (t === undefined) break;
        timers = timers.filter((x) => x !== t);
        now = t.at;
        t.f();
        await settle();
      }
      now = end;
    },
  };
}

const snap: Frame = { type: 'snapshot', position: 'E.5', snapshot: { user: '1001', name: 'M' } };

describe('stream', () => {
  it('asks for a snapshot first and resumes from the last position after', async () => {
    const w = world();
    w.stream.start();
    expect(w.last().url).toBe('ws://n/cti/v1/events');
    w.last().onopen?.();
    w.say(snap);
    w.say({ type: 'tick', position: 'E.9' });
    expect(w.links.at(-1)).toEqual(['live', 0]);
    w.last().onclose?.();
    await w.settle();
    expect(w.links.at(-1)).toEqual(['lost', 1]);
    await w.pass(300);
    expect(w.sockets).toHaveLength(2);
    expect(w.last().url).toBe('ws://n/cti/v1/events?after=E.9');
    w.last().onopen?.();
    w.say({ type: 'tick', position: 'E.9' });
    expect(w.links.at(-1)).toEqual(['live', 0]);
  });

  it('sends alive at once and every 15 s', async () => {
    const w = world();
    w.stream.start();
    w.last().onopen?.();
    for (let i = 0; i < 6; i++) { w.say(snap); await w.pass(10_000); }
    expect(w.sockets).toHaveLength(1);
    expect(w.last().sent).toEqual(Array(5).fill('{"type":"alive"}'));
  });

  it('leaves a silent connection after 25 s', async () => {
    const w = world();
    w.stream.start();
    w.last().onopen?.();
    w.say(snap);
    await w.pass(24_000);
    expect(w.sockets).toHaveLength(1);
    await w.pass(2_000);
    expect(w.sockets[0]?.closed).toBe(true);
    expect(w.last().url).toContain('after=E.5');
  });

  it('tries for ever, ever slower, never two at a time', async () => {
    const w = world();
    w.stream.start();
    for (let i = 0; i < 20; i++) {
      w.last().onclose?.();
      await w.settle();
      await w.pass(5_000);
    }
    expect(w.sockets).toHaveLength(21);
    expect(w.sockets.filter((s) => !s.closed)).toHaveLength(1);
    expect(w.links.every(([l]) => l === 'connecting')).toBe(true);
  });

  it('asks for a snapshot when the epoch changed under it', async () => {
    const w = world();
    w.stream.start();
    w.say(snap);
    w.say({ type: 'tick', position: 'F.1' });
    expect(w.desk().resync).toBe(true);
    w.stream.reconnect();
    await w.pass(300);
    expect(w.last().url).toBe('ws://n/cti/v1/events');
  });

  it('stops when the log-in is over, by bye or by 401', async () => {
    const w = world();
    w.stream.start();
    w.say(snap);
    w.say({ type: 'bye', reason: 'logged_out' });
    expect(w.out()).toBe(true);
    await w.pass(60_000);
    expect(w.sockets).toHaveLength(1);
    const v = world(() => false);
    v.stream.start();
    v.last().onclose?.();
    await v.settle();
    expect(v.out()).toBe(true);
  });

  it('leaves no timer when stopped', async () => {
    const w = world();
    w.stream.start();
    w.last().onopen?.();
    w.say(snap);
    w.stream.stop();
    expect([w.timers(), w.last().closed]).toEqual([0, true]);
  });

  it('a client cut at random reads exactly the journal', async () => {
    let seed = 7;
    const rnd = (n: number): number => { // mulberry32
      seed = (seed + 0x6d2b79f5) | 0;
      let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
      return ((x ^ (x >>> 14)) >>> 0) % n;
    };
    const w = world();
    w.stream.start();
    w.say(snap);
    let seq = 5; // of the journal
    const seen: string[] = [];
    const log: Frame[] = [];
    for (let round = 0; round < 300; round++) {
      for (let i = rnd(4); i > 0; i--) {
        seq++;
        log.push({ type: 'event', position: `E.${seq}`, event: { type: 'AgentNotReady', at: new Date(seq).toISOString(), agent: '1001', reason: `r${seq}` } });
      }
      const before = w.desk().lastNotice;
      const from = Number(w.desk().position.split('.')[1]);
      const todo = log.filter((f) => f.type !== 'bye' && Number(f.position.split('.')[1]) > from - rnd(3)); // the node may overlap
      for (const f of todo.slice(0, rnd(todo.length + 1))) w.say(f);
      for (const n of w.desk().notices.slice(-(w.desk().lastNotice - before) || undefined)) if (n.id > before) seen.push(n.at);
      w.last().onclose?.();
      await w.settle();
      await w.pass(3_000);
    }
    const got = Number(w.desk().position.split('.')[1]);
    expect(got).toBeGreaterThan(300);
    expect(seen).toEqual(log.slice(0, got - 5).map((f) => (f.type === 'event' ? f.event.at : '')));
  });
});
