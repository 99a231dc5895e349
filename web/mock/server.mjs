// A node as the desktop sees it (docs/cti-protocol.md), in memory, for the
// tests and for `npm run dev`. It journals events, resumes, checks revisions;
// the test plays the caller and the telephone through the methods of Mock.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { WebSocketServer } from 'ws';
import { Tickets } from './tickets.mjs';
import { taxonomy } from './taxonomy.mjs';

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };
const site = { ipa: 'formezpa', name: 'Formez PA – Linea Amica' };
const users = {
  1001: { name: 'Maria Rossi', roles: ['agent'] },
  1002: { name: 'Luca Bianchi', roles: ['agent'] },
  1006: { name: 'Marco Colombo', roles: ['agent', 'supervisor'] },
};

export class Mock {
  constructor({ dist, wrapUp = 30_000, tick = 10_000 }) {
    Object.assign(this, { dist, wrapUp, tickEvery: tick });
    this.epoch = '01JZEPOCH';
    this.journal = []; // events, seq = index + 1
    this.sessions = new Map(); // cookie → user
    this.agents = new Map(); // user → {state, reason, since, deadline, pending, device}
    this.calls = new Map(); // call → {…view, agent}
    this.tickets = new Tickets(site.ipa);
    this.log = []; // requests, for the tests: "POST /agent/state {…}"
    this.counter = 0;
    this.deviceUp = true;
    this.refuse = null; // {path, status, kind}: the next matching command is refused
    this.queues = [{ queue: 'urp', waiting: 2, longest_ms: 31_000, ready: 3 }, { queue: 'salute', waiting: 0, longest_ms: 0, ready: 1 }];
    this.offices = [
      { ipa: 'cmna', name: 'Città metropolitana di Napoli', number: '+390810002222', up: true },
      { ipa: 'c_b180', name: 'Comune di Brindisi', number: '+390831000111', up: true },
      { ipa: 'c_i754', name: 'Comune di Siracusa', number: '+390931000333', up: false },
    ];
  }

  // --- life

  async listen(port) {
    this.http = createServer((req, res) => void this.handle(req, res).catch((e) => this.fail(res, 500, 'internal', String(e))));
    this.wss = new WebSocketServer({ noServer: true });
    this.http.on('upgrade', (req, socket, head) => this.upgrade(req, socket, head));
    await new Promise((ok, bad) => this.http.once('error', bad).listen(port, '127.0.0.1', ok));
    this.port = this.http.address().port;
    this.ticker = setInterval(() => this.each((ws) => this.send(ws, { type: 'tick', position: this.position(), queues: this.queues, offices: this.offices })), this.tickEvery);
    return `http://127.0.0.1:${this.port}`;
  }

  async close() {
    clearInterval(this.ticker);
    clearTimeout(this.wrapTimer);
    this.each((ws) => ws.terminate());
    this.http.closeAllConnections();
    await new Promise((ok) => this.http.close(ok));
  }

  /** Stops and comes back on the same port; the journal and the log-ins are durable. */
  async restart({ down = 1000, newEpoch = false } = {}) {
    this.each((ws) => this.send(ws, { type: 'bye', reason: 'shutdown' }));
    await this.close();
    await new Promise((ok) => setTimeout(ok, down));
    if (newEpoch) {
      this.epoch += 'X';
      this.journal = [];
    }
    await this.listen(this.port);
  }

  /** Cuts every WebSocket without a word. */
  cut() {
    this.each((ws) => ws.terminate());
  }

  each(f) {
    for (const ws of this.wss.clients) f(ws);
  }

  // --- the journal and the stream

  position(seq = this.journal.length) {
    return `${this.epoch}.${seq}`;
  }

  publish(type, event) {
    const e = { epoch: this.epoch, seq: this.journal.length + 1, at: new Date().toISOString(), site: site.ipa, type, ...event };
    this.journal.push(e);
    this.each((ws) => { if (this.concerns(e, ws.user)) this.send(ws, { type: 'event', position: this.position(e.seq), event: e }); });
    return e;
  }

  concerns(e, user) {
    return e.agent === user || (e.call !== undefined && this.calls.get(e.call)?.agent === user) || (e.device !== undefined && this.agents.get(user)?.device === e.device);
  }

  send(ws, frame) {
    if (ws.readyState === 1) ws.send(JSON.stringify(frame));
  }

  upgrade(req, socket, head) {
    const user = this.userOf(req);
    const url = new URL(req.url, 'http://x');
    if (url.pathname !== '/cti/v1/events' || user === undefined) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    this.wss.handleUpgrade(req, socket, head, (ws) => {
      ws.user = user;
      ws.on('message', (m) => this.log.push(`WS ${user} ${m}`));
      const [epoch, seq] = (url.searchParams.get('after') ?? '').split('.');
      this.log.push(`WS open after=${url.searchParams.get('after') ?? ''}`);
      if (epoch !== this.epoch || Number(seq) > this.journal.length) {
        return this.send(ws, { type: 'snapshot', position: this.position(), snapshot: this.snapshot(user) });
      }
      for (const e of this.journal.slice(Number(seq))) {
        if (this.concerns(e, user)) this.send(ws, { type: 'event', position: this.position(e.seq), event: e });
      }
      this.send(ws, { type: 'tick', position: this.position() });
    });
  }

  snapshot(user) {
    const agent = this.agents.get(user);
    return {
      user, name: users[user].name, device: agent?.device ?? '', device_up: this.deviceUp,
      agent: agent ? { state: agent.state, reason: agent.reason, since: agent.since, deadline: agent.deadline, pending: agent.pending } : null,
      calls: [...this.calls.values()].filter((c) => c.agent === user).map(({ agent: _, ...view }) => view),
      queues: this.queues, offices: this.offices, reasons: ['pausa', 'formazione', 'back_office', 'altro'],
    };
  }

  // --- what the world does: caller, telephone, other offices

  agent(user, state, more = {}, about = {}) {
    const a = this.agents.get(user) ?? {};
    this.agents.set(user, { device: user, pending: '', ...a, reason: '', deadline: '', ...more, state, since: new Date().toISOString() });
    const type = { ready: 'AgentReady', not_ready: 'AgentNotReady', reserved: 'AgentReserved', ringing: '', talking: 'AgentBusy', wrap_up: 'AgentWorkingAfterCall', logged_out: 'AgentLoggedOff' }[state];
    if (type) this.publish(type, { agent: user, ...about, ...(more.reason ? { reason: more.reason } : {}), ...(more.deadline ? { deadline: more.deadline } : {}) });
  }

  /** The telephone of user rings for a caller; returns the call's id. */
  ring(user, { phone = '', number = '+390••••••12', withheld = false, topic = 'previdenza', from = '', cls = '', wait = 21_000, ticket } = {}) {
    const call = `01JZ8Q4W7N5T3X9V2R6K1M0C${String(++this.counter).padStart(2, '0')}`;
    const t = ticket ?? this.tickets.open(from || site.ipa, wait);
    const caller = withheld ? { withheld: true } : { number };
    this.calls.set(call, { call, leg: `${call}/2`, state: 'ringing', ticket: t, queue: 'urp', service: 'linea-amica', dialled: '803001', caller, since: new Date().toISOString(), wait_ms: wait, topic, from, class: cls, agent: user });
    this.agent(user, 'reserved', {}, { call, queue: 'urp' });
    this.agents.get(user).state = 'ringing';
    this.publish('TicketOpened', { call, ticket: t, change: { kind: 'opened', revision: 1, by: site.ipa } });
    this.publish('Delivered', { call, agent: user, device: user, ticket: t, queue: 'urp', service: 'linea-amica', info: { caller, dialled: '803001', topic, from, class: cls, wait_ms: wait } });
    if (phone !== '') { // the telephone said in its 180 what it may be told
      this.calls.get(call).phone = phone;
      this.publish('Controllable', { call, leg: `${call}/2`, device: user, value: phone });
    }
    return call;
  }

  answer(call) {
    const c = this.calls.get(call);
    Object.assign(c, { state: 'talking', since: new Date().toISOString() });
    this.publish('Established', { call, leg: c.leg, device: this.agents.get(c.agent).device });
    this.agent(c.agent, 'talking', {}, { call, leg: c.leg });
    this.tickets.answered(c.ticket);
    this.changed(call, 'answered');
  }

  changed(call, kind) {
    const c = this.calls.get(call);
    if (c) this.publish('TicketUpdated', { call, ticket: c.ticket, change: { kind, revision: this.tickets.get(c.ticket).revision, by: site.ipa } });
  }

  /** The caller (or the agent) hangs up. */
  end(call, cause = 'normal') {
    const c = this.calls.get(call);
    const ringing = c.state === 'ringing';
    this.publish('CallCleared', { call, cause: ringing ? 'abandoned' : cause });
    if (ringing) {
      this.agent(c.agent, 'ready');
      return this.calls.delete(call);
    }
    c.state = 'wrap_up';
    this.startWrapUp(c.agent);
  }

  startWrapUp(user) {
    this.agent(user, 'wrap_up', { deadline: new Date(Date.now() + this.wrapUp).toISOString() });
    clearTimeout(this.wrapTimer);
    this.wrapTimer = setTimeout(() => this.endWrapUp(user), this.wrapUp);
  }

  endWrapUp(user) {
    clearTimeout(this.wrapTimer);
    const a = this.agents.get(user);
    const next = a.pending || 'ready';
    a.pending = '';
    this.agent(user, next, next === 'not_ready' ? { reason: a.because } : {});
    for (const [id, c] of this.calls) if (c.agent === user) this.calls.delete(id);
  }

  // --- HTTP

  userOf(req) {
    return this.sessions.get(/la2_session=(\w+)/.exec(req.headers.cookie ?? '')?.[1]);
  }

  fail(res, status, kind, detail = '', more = {}) {
    res.writeHead(status, { 'Content-Type': 'application/problem+json' });
    res.end(JSON.stringify({ type: `urn:la2:problem:${kind}`, title: kind, status, detail, ...more }));
  }

  ok(res, body, headers = {}) {
    res.writeHead(body === null ? 204 : 200, { 'Content-Type': 'application/json', ...headers });
    res.end(body === null ? undefined : JSON.stringify(body));
  }

  async handle(req, res) {
    const url = new URL(req.url, 'http://x');
    if (!url.pathname.startsWith('/cti/v1/')) return this.file(url.pathname, res);
    let text = '';
    for await (const chunk of req) text += chunk;
    const body = text === '' ? {} : JSON.parse(text);
    const path = url.pathname.slice('/cti/v1'.length);
    if (req.method !== 'GET') this.log.push(`${req.method} ${path} ${path === '/session' ? '' : text}`);
    if (req.method !== 'GET' && req.headers['x-la2'] !== '1') return this.fail(res, 403, 'forbidden');
    if (path === '/session') return this.session(req, res, body);
    const user = this.userOf(req);
    if (user === undefined) return this.fail(res, 401, 'denied');
    if (this.refuse && path.endsWith(this.refuse.path)) {
      const { status, kind } = this.refuse;
      this.refuse = null;
      return this.fail(res, status, kind);
    }
    if (path === '/taxonomy') return this.ok(res, { categories: taxonomy });
    if (path === '/status') return users[user].roles.includes('supervisor') ? this.ok(res, this.status()) : this.fail(res, 403, 'forbidden');
    if (path === '/agent/state') return this.agentState(user, res, body);
    const call = /^\/calls\/([^/]+)\/(\w+)$/.exec(path);
    if (call) return this.command(res, call[1], call[2], body);
    const ticket = /^\/tickets\/([^/]+)(?:\/(\w+))?$/.exec(path);
    if (ticket) return this.ticket(req, res, decodeURIComponent(ticket[1]), ticket[2], body);
    return this.fail(res, 404, 'not-found');
  }

  session(req, res, body) {
    const view = (user) => ({ user, ...users[user], device: this.agents.get(user)?.device ?? user, site, expires: new Date(Date.now() + 43_200_000).toISOString() });
    if (req.method === 'POST') {
      if (users[body.user] === undefined || body.password !== `demo-${body.user}`) return this.fail(res, 401, 'denied');
      const cookie = `s${++this.counter}x${Date.now()}`;
      this.sessions.set(cookie, body.user);
      this.agents.set(body.user, { device: body.device, state: 'not_ready', reason: 'login', since: new Date().toISOString(), deadline: '', pending: '' });
      this.publish('AgentLoggedOn', { agent: body.user, device: body.device, reason: 'login' });
      return this.ok(res, view(body.user), { 'Set-Cookie': `la2_session=${cookie}; HttpOnly; SameSite=Strict; Path=/cti` });
    }
    const user = this.userOf(req);
    if (user === undefined) return this.fail(res, 401, 'denied');
    if (req.method === 'GET') return this.ok(res, view(user));
    this.agent(user, 'logged_out');
    for (const [k, u] of this.sessions) if (u === user) this.sessions.delete(k);
    return this.ok(res, null);
  }

  agentState(user, res, body) {
    const a = this.agents.get(user);
    if (['talking', 'ringing', 'reserved'].includes(a.state) || (a.state === 'wrap_up' && body.state === 'not_ready')) {
      Object.assign(a, { pending: body.state, because: body.reason });
      if (a.state === 'talking') this.publish('AgentBusy', { agent: user, value: body.state });
      if (a.state === 'wrap_up') this.publish('AgentWorkingAfterCall', { agent: user, value: body.state, deadline: a.deadline });
    } else if (a.state === 'wrap_up') {
      a.pending = 'ready';
      this.endWrapUp(user);
    } else {
      this.agent(user, body.state, body.reason ? { reason: body.reason } : {});
    }
    this.ok(res, { position: this.position() });
  }

  command(res, id, verb, body) {
    const c = this.calls.get(id);
    if (c === undefined) return this.fail(res, 404, 'not-found');
    const legal = { answer: c.phone?.includes('talk') ? ['ringing'] : [], consult: ['talking', 'held'], complete: ['consulting', 'transferring'], swap: ['consulting'], hold: ['talking'], retrieve: ['held', 'transferring', 'consulting'], transfer: ['talking', 'held'], emergency: ['talking', 'held'], hangup: ['talking', 'held', 'transferring', 'consulting'] }[verb];
    if (!legal?.includes(c.state)) return this.fail(res, 409, 'illegal-state');
    const who = { call: id, leg: c.leg };
    if (verb === 'hold') { c.state = 'held'; this.publish('Held', who); }
    if (verb === 'retrieve') { this.publish(...(c.state !== 'held' ? ['TransferFailed', { ...who, target: c.target, cause: 'abandoned' }] : ['Retrieved', who])); c.state = 'talking'; }
    if (verb === 'hangup') this.end(id);
    if (verb === 'answer') this.answer(id);
    if (verb === 'consult') this.consult(id, body.office ?? body.number);
    if (verb === 'swap') this.consulting(id, c.with === 'target' ? 'caller' : 'target');
    if (verb === 'complete') this.handOver(id);
    if (verb === 'emergency') this.transfer(id, '112');
    if (verb === 'transfer') this.transfer(id, body.office ?? body.number);
    return this.ok(res, { position: this.position() });
  }

  /** A transfer to cmna succeeds after a while, one anywhere else finds it busy. */
  transfer(id, target) {
    const c = this.calls.get(id);
    c.state = 'transferring';
    c.target = target;
    const turn = c.turn = (c.turn ?? 0) + 1; // one that was taken back ends without effect
    this.publish('Transferring', { call: id, leg: c.leg, target });
    setTimeout(() => {
      if (c.state !== 'transferring' || c.turn !== turn) return;
      if (target !== 'cmna' && target !== '112') {
        c.state = 'talking';
        return this.publish('TransferFailed', { call: id, leg: c.leg, target, cause: 'busy' });
      }
      this.handOver(id);
    }, 600);
  }

  handOver(id) {
    const c = this.calls.get(id);
    this.publish('Transferred', { call: id, leg: c.leg, target: c.target });
    this.publish('ConnectionCleared', { call: id, leg: c.leg, cause: 'transferred' });
    c.state = 'wrap_up';
    this.tickets.given(c.ticket, 'cmna');
    this.changed(id, 'transferred');
    this.startWrapUp(c.agent);
  }

  /** Whom the agent consults answers after a while. */
  consult(id, target) {
    const c = this.calls.get(id);
    Object.assign(c, { state: 'transferring', target });
    this.publish('Transferring', { call: id, leg: c.leg, target });
    setTimeout(() => { if (c.state === 'transferring') this.consulting(id, 'target'); }, 300);
  }

  consulting(id, value) {
    const c = this.calls.get(id);
    Object.assign(c, { state: 'consulting', with: value });
    this.publish('Consulting', { call: id, leg: c.leg, target: c.target, value });
  }

  ticket(req, res, id, verb, body) {
    if (this.tickets.get(id) === undefined || this.late === id) return this.fail(res, 404, 'not-found');
    if (req.method === 'GET') return this.ok(res, this.tickets.get(id));
    if (verb === 'tracking') return this.ok(res, this.tickets.tracking(id));
    const answer = this.tickets.write(id, req.headers['if-match'], verb, body);
    if (answer.status !== 200) return this.fail(res, answer.status, answer.kind, '', answer.more);
    const call = [...this.calls.values()].find((c) => c.ticket === id);
    if (call) this.changed(call.call, verb === undefined ? 'edited' : 'closed');
    return this.ok(res, this.tickets.get(id));
  }

  status() {
    const n = (s) => [...this.agents.values()].filter((a) => a.state === s).length;
    return {
      site, uptime_ms: 3_723_000,
      queues: [{ queue: 'urp', waiting: 2, longest_ms: 31_000, offered: 128, answered: 117, abandoned: 6, redirected: 3 },
        { queue: 'salute', waiting: 0, longest_ms: 0, offered: 41, answered: 40, abandoned: 1, redirected: 0 }],
      agents: { urp: { ready: n('ready') + 2, talking: n('talking') + 1, wrap_up: n('wrap_up'), not_ready: n('not_ready') } },
      calls: this.calls.size + 3,
      trunks: [{ name: 'napoli', up: true, calls: 1 }, { name: 'brindisi', up: true, calls: 0 }, { name: 'siracusa', up: false, calls: 0 }],
    };
  }

  async file(path, res) {
    const name = normalize(path === '/' ? '/index.html' : path);
    try {
      const data = await readFile(join(this.dist, name));
      res.writeHead(200, { 'Content-Type': types[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': policy });
      res.end(data);
    } catch {
      this.fail(res, 404, 'not-found');
    }
  }
}
