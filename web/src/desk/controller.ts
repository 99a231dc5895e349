// What the desktop does: one Controller per log-in joins the stream, the
// requests and the two reducers. Components read its stores and call its
// methods; it never touches the page.

import { agent, calls, nodeNow, Problem, session as sessions, tickets, type Target } from '../api/http';
import { eventsURL, Stream } from '../api/stream';
import type { Session, Ticket } from '../api/types';
import { currentCall, emptyDesk, reduce, wrapUpLeft, type Call } from '../state/desk';
import { createStore } from '../state/store';
import { drafts, emptyWork, fields, isClosed, isOpen, reduceWork, unsaved, type Draft, type Drafts, type Field, type Item } from '../state/work';

/** What the page shows of commands under way. */
export interface Activity {
  busy: Record<string, true>; // commands sent and not answered, by name
  problem: Problem | null; // the last refusal, until dismissed
  said: { id: number; key: 'say.saved' | 'say.closed' } | null;
}

type ActivityAction = Partial<Activity>;

/** Before the wrap-up ends, typed text is stored without being asked. */
const saveBeforeEnd = 5_000;

/** How soon a ticket of a live call that could not be read is asked for again. */
const readAgain = 3_000;

export class Controller {
  readonly desk = createStore(reduce, emptyDesk);
  readonly work = createStore(reduceWork, emptyWork);
  readonly activity = createStore<Activity, ActivityAction>((s, a) => ({ ...s, ...a }), { busy: {}, problem: null, said: null });

  private readonly stream: Stream;
  private readonly reading = new Map<string, number>(); // tickets being read: the read's number
  private reads = 0;
  private snapshots = 0;
  private callStates = new Map<string, string>();
  private stops: (() => void)[] = [];

  /** `typing` tells whether the agent is writing in the ticket form. */
  constructor(readonly session: Session, private readonly loggedOut: (expired: boolean) => void, private readonly typing: () => boolean) {
    this.stream = new Stream(eventsURL(location), {
      position: () => (this.desk.get().resync ? '' : this.desk.get().position),
      frame: (frame) => this.desk.dispatch({ type: 'frame', frame, at: Date.now() }),
      link: (link, attempt) => this.desk.dispatch({ type: 'link', link, attempt }),
      stillLoggedIn: () => sessions.read().then(() => true, (e: unknown) => !(e instanceof Problem && e.status === 401)),
      loggedOut: () => this.loggedOut(true),
    });
  }

  start(): void {
    this.work.dispatch({ type: 'restore', drafts: this.readDrafts() });
    for (const id of Object.keys(this.work.get().items)) void this.read(id);
    const online = (): void => this.stream.hurry();
    window.addEventListener('online', online);
    window.addEventListener('pagehide', this.keepDrafts);
    const second = setInterval(() => this.saveBeforeWrapUpEnds(), 1000);
    this.stops = [
      this.desk.subscribe(() => this.follow()),
      this.work.subscribe(this.keepDrafts),
      () => window.removeEventListener('online', online),
      () => window.removeEventListener('pagehide', this.keepDrafts),
      () => clearInterval(second),
    ];
    this.stream.start();
  }

  stop(): void {
    for (const f of this.stops) f();
    this.stops = [];
    this.keepDrafts();
    this.stream.stop();
  }

  retryNow(): void {
    this.stream.hurry();
  }

  // --- following the desk: which tickets are on the screen, and how fresh

  private follow(): void {
    const desk = this.desk.get();
    if (desk.resync && desk.link === 'live') return this.stream.reconnect();
    const fresh = desk.snapshots !== this.snapshots;
    this.snapshots = desk.snapshots;
    const states = new Map(desk.calls.map((c) => [c.call, `${c.state} ${c.ticket}`]));
    for (const call of desk.calls) {
      if (call.ticket === '') continue;
      const moved = this.callStates.get(call.call) !== states.get(call.call);
      if (moved || fresh) this.followCall(call, fresh);
    }
    this.callStates = states;
    for (const item of Object.values(this.work.get().items)) {
      const known = desk.revisions[item.id] ?? 0;
      if (item.base !== null && known > item.base.revision && item.state === 'ready') void this.read(item.id);
    }
    this.tidy();
  }

  private followCall(call: Call, fresh: boolean): void {
    this.work.dispatch({ type: 'want', id: call.ticket });
    void this.read(call.ticket);
    const shown = this.work.get().items[this.work.get().shown];
    const idle = shown === undefined || Object.keys(shown.touched).length === 0 || isClosed(shown);
    // The form changes under nobody's hands: only when idle, or at answer if nobody types.
    if (fresh || idle || (call.state === 'talking' && !this.typing())) {
      if (call === currentCall(this.desk.get())) this.work.dispatch({ type: 'show', id: call.ticket });
    }
  }

  /** Tickets of no call leave the desktop, unless they are to be closed here or hold typed text. */
  private tidy(): void {
    const desk = this.desk.get();
    if (!desk.loaded) return;
    const live = new Set(desk.calls.map((c) => c.ticket));
    for (const item of Object.values(this.work.get().items)) {
      const typed = Object.keys(item.touched).length > 0 && !isClosed(item);
      const owed = isOpen(item) && item.base?.owner_ipa === this.session.site.ipa;
      if (!live.has(item.id) && !typed && !owed && item.state !== 'saving' && item.state !== 'loading') this.work.dispatch({ type: 'drop', id: item.id });
    }
  }

  async read(id: string): Promise<void> {
    const mine = ++this.reads;
    this.reading.set(id, mine);
    try {
      const ticket = await tickets.read(id);
      if (this.reading.get(id) === mine) this.work.dispatch({ type: 'loaded', ticket });
    } catch (e) {
      if (this.reading.get(id) !== mine || !(e instanceof Problem)) return;
      if (e.status === 401) return this.loggedOut(true);
      const live = this.desk.get().calls.some((c) => c.ticket === id);
      this.work.dispatch({ type: 'failed', id, gone: !live && (e.status === 404 || e.status === 403) });
      if (live) this.again(id); // another office's ticket may arrive after its call
    }
  }

  private again(id: string): void {
    const timer = setTimeout(() => {
      const item = this.work.get().items[id];
      if (item?.state === 'failed' && this.desk.get().calls.some((c) => c.ticket === id)) void this.read(id);
    }, readAgain);
    this.stops.push(() => clearTimeout(timer));
  }

  // --- commands

  /** Runs one command at a time per name; shows what the node refused. True when it was done. */
  private async command(name: string, f: () => Promise<unknown>): Promise<boolean> {
    if (this.activity.get().busy[name]) return false;
    this.activity.dispatch({ busy: { ...this.activity.get().busy, [name]: true }, problem: null });
    try {
      await f();
      return true;
    } catch (e) {
      this.refused(e);
      return false;
    } finally {
      const busy = { ...this.activity.get().busy };
      delete busy[name];
      this.activity.dispatch({ busy });
    }
  }

  private refused(e: unknown): void {
    if (!(e instanceof Problem)) throw e;
    if (e.status === 401) return this.loggedOut(true);
    this.activity.dispatch({ problem: e });
  }

  dismissProblem = (): void => this.activity.dispatch({ problem: null });

  async ready(): Promise<void> {
    await this.saveAll(); // the tickets are ours only until the wrap-up ends
    await this.state('ready', () => agent.ready());
  }

  notReady(reason: string): Promise<void> {
    return this.state('not_ready', () => agent.notReady(reason));
  }

  private async state(to: string, f: () => Promise<unknown>): Promise<void> {
    const before = this.desk.get().agent?.state;
    const later = before === 'talking' || before === 'ringing' || before === 'reserved' || (before === 'wrap_up' && to !== 'ready');
    if (await this.command('state', f) && later) this.desk.dispatch({ type: 'pending', pending: to });
  }

  hold = (call: string): Promise<boolean> => this.command('hold', () => calls.hold(call));
  retrieve = (call: string): Promise<boolean> => this.command('hold', () => calls.retrieve(call));
  hangup = (call: string): Promise<boolean> => this.command('hangup', () => calls.hangup(call));
  emergency = (call: string): Promise<boolean> => this.command('transfer', () => calls.emergency(call));
  answer = (call: string): Promise<boolean> => this.command('answer', () => calls.answer(call));
  consult = (call: string, to: Target): Promise<boolean> => this.command('transfer', () => calls.consult(call, to));
  complete = (call: string): Promise<boolean> => this.command('transfer', () => calls.complete(call));
  swap = (call: string): Promise<boolean> => this.command('hold', () => calls.swap(call));
  transfer = (call: string, to: Target): Promise<boolean> => this.command('transfer', () => calls.transfer(call, to));

  async logout(): Promise<void> {
    await this.saveAll();
    const done = await this.command('logout', () => sessions.close());
    if (!done) return;
    this.stop();
    sessionStorage.removeItem(this.draftsKey());
    this.loggedOut(false);
  }

  // --- the ticket form

  edit(id: string, field: Field, value: string): void {
    this.work.dispatch({ type: 'edit', id, field, value });
  }

  show(id: string): void {
    this.work.dispatch({ type: 'show', id });
  }

  drop(id: string): void {
    this.work.dispatch({ type: 'drop', id });
  }

  /** Stores typed text; false when there was a refusal or a clash. */
  async save(id: string): Promise<boolean> {
    const item = this.work.get().items[id];
    if (item === undefined || item.base === null || item.state !== 'ready') return false;
    const changed = unsaved(item);
    if (changed.length === 0) return true;
    const sent = pick(item, changed);
    return this.write(item, sent, (revision) => tickets.edit(id, revision, sent), 'say.saved');
  }

  /** Closes the ticket: the node says what is missing. */
  async close(id: string): Promise<boolean> {
    const item = this.work.get().items[id];
    if (item === undefined || item.base === null || item.state !== 'ready') return false;
    const all = pick(item, fields);
    const to = item.base.state === 'working_bo' ? 'closed_bo' : 'closed_fo';
    return this.write(item, all, (revision) => tickets.move(id, revision, { to, ...all }), 'say.closed');
  }

  private async write(item: Item, sent: Partial<Draft>, f: (revision: number) => Promise<Ticket>, said: 'say.saved' | 'say.closed'): Promise<boolean> {
    if (item.base === null) return false;
    this.work.dispatch({ type: 'saving', id: item.id });
    this.activity.dispatch({ problem: null });
    this.reading.delete(item.id); // a read under way may be older than this write
    try {
      const ticket = await f(item.base.revision);
      this.work.dispatch({ type: 'saved', ticket, at: new Date(nodeNow()).toISOString(), sent });
      this.activity.dispatch({ said: { id: (this.activity.get().said?.id ?? 0) + 1, key: said } });
      return true;
    } catch (e) {
      await this.notWritten(item.id, e);
      return false;
    }
  }

  private async notWritten(id: string, e: unknown): Promise<void> {
    const p = e instanceof Problem ? e : null;
    if (p?.status === 422) {
      const errors = Object.fromEntries(p.fields.filter((f) => (fields as readonly string[]).includes(f)).map((f) => [f, 'missing']));
      this.work.dispatch({ type: 'invalid', id, errors });
      if (Object.keys(errors).length > 0) return;
    } else if (p?.status === 412) {
      this.work.dispatch({ type: 'stale', id });
      return this.read(id);
    } else if (p?.status === 404 || p?.status === 403) {
      this.work.dispatch({ type: 'failed', id, gone: true });
      return;
    } else {
      this.work.dispatch({ type: 'invalid', id, errors: {} });
    }
    this.refused(e);
  }

  private async saveAll(): Promise<void> {
    for (const item of Object.values(this.work.get().items)) {
      if (item.base !== null && item.base.state !== 'draft' && !isClosed(item) && unsaved(item).length > 0) await this.save(item.id);
    }
  }

  private saveBeforeWrapUpEnds(): void {
    const left = wrapUpLeft(this.desk.get(), nodeNow());
    if (left !== null && left <= saveBeforeEnd && left > 0) void this.saveAll();
  }

  /** Asks for the code to tell the caller; the PIN comes the first time only. */
  tracking(id: string): Promise<boolean> {
    return this.command('tracking', async () => {
      const tracking = await tickets.tracking(id);
      this.work.dispatch({ type: 'tracking', id, tracking });
    });
  }

  /** The PIN was dictated: it leaves the page's memory. */
  forgetPIN(id: string): void {
    const code = this.work.get().items[id]?.tracking?.code;
    if (code !== undefined) this.work.dispatch({ type: 'tracking', id, tracking: { code } });
  }

  // --- drafts survive a reload of this tab, nothing else

  private draftsKey(): string {
    return `la2.drafts.${this.session.site.ipa}.${this.session.user}`;
  }

  private keepDrafts = (): void => {
    const d = drafts(this.work.get());
    if (Object.keys(d).length === 0) sessionStorage.removeItem(this.draftsKey());
    else sessionStorage.setItem(this.draftsKey(), JSON.stringify(d));
  };

  private readDrafts(): Drafts {
    try {
      return JSON.parse(sessionStorage.getItem(this.draftsKey()) ?? '{}') as Drafts;
    } catch {
      return {};
    }
  }
}

function pick(item: Item, names: readonly Field[]): Partial<Draft> {
  return Object.fromEntries(names.map((f) => [f, item.draft[f]]));
}
