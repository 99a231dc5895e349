// One tab of a browser is the desktop; others show a notice. Tabs speak over a
// BroadcastChannel (works without a secure context, unlike Web Locks).
//
// A new tab asks who holds the desktop; silence for `patience` means nobody. A
// tab that takes over tells the holder, which then stops its stream.

export type TabRole = 'asking' | 'holder' | 'second';

interface Channel {
  postMessage(m: unknown): void;
  close(): void;
  onmessage: ((e: MessageEvent) => void) | null;
}

const patience = 150; // ms; tabs of one browser answer within a few
const reload = 3000; // ms; a holder that only reloads is back by then

export class Tabs {
  private role: TabRole = 'asking';
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly channel: Channel | null, private readonly changed: (role: TabRole) => void, private readonly me = String(Math.random())) {
    if (channel !== null) channel.onmessage = (e) => this.hear(e.data);
  }

  start(): void {
    if (this.channel === null) return this.become('holder');
    this.say('who');
    this.timer = setTimeout(() => { if (this.role === 'asking') this.take(); }, patience);
  }

  /** This tab becomes the desktop. */
  take(): void {
    this.say('mine');
    this.become('holder');
  }

  close(): void {
    clearTimeout(this.timer);
    if (this.role === 'holder') this.say('free');
    this.channel?.close();
  }

  private say(what: string): void {
    this.channel?.postMessage({ what, from: this.me });
  }

  private become(role: TabRole): void {
    clearTimeout(this.timer);
    if (this.role === role) return;
    this.role = role;
    this.changed(role);
  }

  private hear(data: unknown): void {
    const m = data as { what?: string; from?: string };
    if (m.from === this.me) return;
    if (m.what === 'who' && this.role === 'holder') this.say('held');
    // Two tabs opened at once both ask: the smaller name waits for nobody, the other yields.
    if (m.what === 'who' && this.role === 'asking' && this.me < (m.from ?? '')) this.take();
    if (m.what === 'held' && this.role === 'asking') this.become('second');
    if (m.what === 'mine') {
      clearTimeout(this.timer);
      this.become('second');
    }
    if (m.what === 'free' && this.role === 'second') this.timer = setTimeout(() => this.take(), reload);
  }
}
