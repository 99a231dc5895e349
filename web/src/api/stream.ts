// The connection to the event stream: opens it, keeps it alive, notices when it
// is dead, comes back with the last position. It holds no protocol state: the
// reducer does, and tells the position to resume from.

import type { Frame } from './types';
import type { Link } from '../state/desk';

/** What the connection needs of the world; the tests give their own. */
export interface Wire {
  open(url: string): Socket;
  later(f: () => void, ms: number): () => void; // returns cancel
  random(): number; // [0, 1)
  now(): number; // ms, grows
}

export interface Socket {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((text: string) => void) | null;
  onclose: (() => void) | null;
}

export interface Listener {
  /** Where to resume from; "" asks for a snapshot. */
  position(): string;
  frame(frame: Frame): void;
  link(link: Link, attempt: number): void;
  /** Called after a failed connection: false when the log-in is no longer valid. */
  stillLoggedIn(): Promise<boolean>;
  /** The log-in is over; the stream has stopped. */
  loggedOut(): void;
}

const aliveEvery = 15_000; // renews the lease of the agent
const deadAfter = 25_000; // the node ticks every 10 s
const openWithin = 8_000;
const firstRetry = 250;
const lastRetry = 5_000;

export class Stream {
  private socket: Socket | null = null;
  private attempt = 0;
  private stopped = false;
  private wasLive = false;
  private aliveAt = 0;
  private cancels: (() => void)[] = [];
  private watchdog: () => void = () => undefined;

  constructor(private readonly url: string, private readonly to: Listener, private readonly wire: Wire = browserWire) {}

  start(): void {
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
    this.to.link('ended', 0);
  }

  /** Tries at once instead of waiting: the network came back or the agent asked. */
  hurry(): void {
    if (this.stopped || this.socket !== null) return;
    this.drop();
    this.connect();
  }

  /** Closes and comes back, with whatever position() says now. */
  reconnect(): void {
    if (this.stopped) return;
    this.drop();
    this.lost();
  }

  private connect(): void {
    const after = this.to.position();
    const socket = this.wire.open(after === '' ? this.url : `${this.url}?after=${encodeURIComponent(after)}`);
    this.socket = socket;
    this.watch(openWithin);
    socket.onopen = () => {
      this.watch(deadAfter);
      this.keepAlive();
    };
    socket.onmessage = (text) => {
      this.watch(deadAfter);
      this.receive(text);
      // Timers of a hidden tab may run once a minute; the node's ticks still arrive.
      if (this.wire.now() - this.aliveAt >= aliveEvery) this.alive();
    };
    socket.onclose = () => {
      this.drop();
      void this.probe();
    };
  }

  private receive(text: string): void {
    let frame: Frame;
    try {
      frame = JSON.parse(text) as Frame;
    } catch {
      return this.reconnect(); // not ours; the position has not moved
    }
    if (this.attempt > 0 || !this.wasLive) {
      this.attempt = 0;
      this.wasLive = true;
      this.to.link('live', 0);
    }
    this.to.frame(frame);
    if (frame.type === 'bye' && frame.reason === 'logged_out') {
      this.stopped = true;
      this.drop();
      this.to.loggedOut();
    }
  }

  private alive(): void {
    this.aliveAt = this.wire.now();
    this.socket?.send('{"type":"alive"}');
  }

  private keepAlive(): void {
    this.alive();
    this.cancels.push(this.wire.later(() => this.keepAlive(), aliveEvery));
  }

  /** A connection that says nothing for too long is dead even if TCP has not noticed. */
  private watch(ms: number): void {
    this.watchdog();
    this.watchdog = this.wire.later(() => {
      this.drop();
      void this.probe();
    }, ms);
  }

  private async probe(): Promise<void> {
    if (this.stopped) return;
    this.to.link(this.wasLive ? 'lost' : 'connecting', this.attempt + 1);
    if (await this.to.stillLoggedIn()) return this.lost();
    if (this.stopped) return;
    this.stopped = true;
    this.to.loggedOut();
  }

  private lost(): void {
    if (this.stopped || this.socket !== null) return;
    this.attempt++;
    this.to.link(this.wasLive ? 'lost' : 'connecting', this.attempt);
    const wait = Math.min(lastRetry, firstRetry * 2 ** (this.attempt - 1));
    this.cancels.push(this.wire.later(() => {
      if (!this.stopped && this.socket === null) this.connect();
    }, wait / 2 + (wait / 2) * this.wire.random()));
  }

  private drop(): void {
    this.watchdog();
    for (const cancel of this.cancels) cancel();
    this.cancels = [];
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

export const browserWire: Wire = {
  open(url) {
    const ws = new WebSocket(url);
    const s: Socket = {
      send: (text) => { if (ws.readyState === WebSocket.OPEN) ws.send(text); },
      close: () => ws.close(),
      onopen: null, onmessage: null, onclose: null,
    };
    ws.onopen = () => s.onopen?.();
    ws.onmessage = (m) => s.onmessage?.(String(m.data));
    ws.onclose = () => s.onclose?.();
    return s;
  },
  later(f, ms) {
    const t = setTimeout(f, ms);
    return () => clearTimeout(t);
  },
  random: Math.random,
  now: () => performance.now(),
};

export const eventsURL = (at: Location): string => `${at.protocol === 'https:' ? 'wss' : 'ws'}://${at.host}/cti/v1/events`;
