// One agent at a desktop, as a command: prints a JSON line for each state the
// page shows, with the time it was in the page (at, RFC 3339 with ms; ms since
// the epoch in t). For measuring the pop against the ringing of the telephone.
//
//   node e2e/pop.mjs --url http://127.0.0.1:8080 --user 1001 --password demo-1001 [--device 1001]
//     [--until logged_in|ready|ringing|talking|held|transferring|wrap_up|closed] [--answer-actions hold,retrieve,transfer:cmna,hangup]
//     [--screenshot FILE] [--screenshot-at ringing] [--timeout 60] [--logout]
//
// States: logged_in, ready, ringing {ticket, call, caller, from}, talking,
// held, transferring, wrap_up, closed (the call has left the screen or is in
// wrap-up), failed. Actions (hold, retrieve, transfer:TARGET, hangup,
// classify, tracking, close, wait:MS) run one after the other once talking;
// each prints {"state":"action",…}. Exit 0 when --until was reached, else 1.

import { parseArgs } from 'node:util';
import { act, launch, login, open, ready, screenshot } from './desktop.mjs';

const { values: opt } = parseArgs({ options: {
  url: { type: 'string' }, user: { type: 'string' }, password: { type: 'string' }, device: { type: 'string' },
  until: { type: 'string', default: 'closed' }, 'answer-actions': { type: 'string', default: '' },
  screenshot: { type: 'string' }, 'screenshot-at': { type: 'string' }, timeout: { type: 'string', default: '60' },
  logout: { type: 'boolean', default: false },
} });
if (!opt.url || !opt.user || !opt.password) {
  console.error('pop: --url, --user and --password are needed');
  process.exit(2);
}

const waiters = []; // {state, done}
const reached = new Set();
let before = { agent: '', call: '', callState: '', ticket: '' };

function say(state, t, more = {}) {
  console.log(JSON.stringify({ state, at: new Date(t).toISOString(), t, ...more }));
  reached.add(state);
  for (const w of waiters.filter((x) => x.state === state)) w.done();
}

/** Resolves once the state was said, now or later. */
const seen = (state) => (reached.has(state) ? Promise.resolve() : new Promise((done) => waiters.push({ state, done })));

function onSeen(now) {
  const t = now.at;
  if (!reached.has('logged_in') && now.link === 'live') say('logged_in', t, { agent: now.agent });
  if (now.agent === 'ready' && before.agent !== 'ready') say('ready', t);
  const moved = now.callState !== before.callState || now.call !== before.call;
  if (moved && now.callState !== '') say(now.callState, t, { call: now.call, ticket: now.ticket });
  const was = ['talking', 'held', 'transferring', 'ringing'].includes(before.callState);
  if (moved && was && (now.callState === '' || now.callState === 'wrap_up')) say('closed', t, { call: before.call, ticket: before.ticket });
  if (now.ticket !== before.ticket && now.call === before.call && now.ticket !== '') say('ticket', t, { call: now.call, ticket: now.ticket });
  before = now;
}

const deadline = setTimeout(() => fail(new Error(`not ${opt.until} within ${opt.timeout} s`)), Number(opt.timeout) * 1000);
let browser;

async function fail(err) {
  say('failed', Date.now(), { error: String(err.message ?? err).split('\n')[0] });
  await shoot().catch(() => undefined);
  await browser?.close().catch(() => undefined);
  process.exit(1);
}

let page;
const shoot = async () => { if (opt.screenshot && page) await screenshot(page, opt.screenshot); };

async function run() {
  browser = await launch();
  page = await open(browser, opt.url, { onSeen });
  await login(page, { user: opt.user, password: opt.password, device: opt.device });
  const last = seen(opt.until);
  const shot = opt['screenshot-at'] ? seen(opt['screenshot-at']).then(shoot) : null;
  if (opt.until !== 'logged_in') await ready(page);
  const actions = opt['answer-actions'].split(',').filter(Boolean);
  if (actions.length > 0) {
    await seen('talking');
    for (const action of actions) {
      const from = Date.now();
      const result = await act(page, action);
      say('action', Date.now(), { action, took_ms: Date.now() - from, ...(typeof result === 'object' && result !== null && 'code' in result ? result : {}) });
    }
  }
  await last;
  await (shot ?? shoot());
  if (opt.logout) {
    await page.click('[data-testid=logout]');
    await page.waitForSelector('[data-view=login]');
    say('logged_out', Date.now());
  }
  clearTimeout(deadline);
  await browser.close();
}

try {
  await run();
} catch (err) {
  await fail(err);
}
