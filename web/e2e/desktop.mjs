// The desktop driven by Chromium, for the tests of this directory and for those
// of a whole node. Run by itself it walks once through a real node:
//
//   LA2_URL=http://127.0.0.1:8080 [LA2_USER=1001 LA2_PASSWORD=demo-1001] node e2e/desktop.mjs
//
// (somebody must ring the agent and answer its telephone meanwhile).

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

/** Starts Debian's Chromium (or CHROMIUM). */
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags, headless: true });

/** A fresh profile on the desktop at url. onSeen gets each state the page shows, with the ms since the epoch at which it did. */
export async function open(browser, url, { onSeen, width = 1280, height = 800, reducedMotion = 'reduce' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: 'it-IT', reducedMotion });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  if (onSeen) {
    await page.exposeFunction('la2Seen', onSeen);
    await page.addInitScript(observe);
  }
  await page.goto(url);
  return page;
}

/** Runs in the page: tells every change of the attributes that name the desktop's state. */
function observe() {
  let last = '';
  const look = () => {
    const app = document.querySelector('[data-testid=app]')?.dataset;
    const now = app === undefined
      ? { view: document.querySelector('[data-view=login]') ? 'login' : '', agent: '', call: '', callState: '', ticket: '', link: '' }
      : { view: app.view, agent: app.agent, call: app.call, callState: app.callState, ticket: app.ticket, link: app.link };
    const key = JSON.stringify(now);
    if (key === last) return;
    last = key;
    const at = Date.now();
    window.la2Seen({ ...now, at });
  };
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, attributes: true,
    attributeFilter: ['data-view', 'data-agent', 'data-call', 'data-call-state', 'data-ticket', 'data-link'],
  });
}

const app = '[data-testid=app]';
const id = (name) => `[data-testid=${name}]`;
const usable = (name) => `${id(name)}:not([aria-disabled=true])`;

/** Waits until the desktop shows agent, callState or link in one of the given values (separated by |). */
export async function until(page, want, timeout = 15_000) {
  const name = { agent: 'data-agent', callState: 'data-call-state', link: 'data-link' };
  const selectors = Object.entries(want).reduce((list, [k, v]) => list.flatMap((s) => v.split('|').map((x) => `${s}[${name[k]}="${x}"]`)), [app]);
  await page.waitForSelector(selectors.join(','), { timeout });
}

export async function login(page, { user, password, device }) {
  await page.fill('input[name=username]', user);
  await page.fill('input[name=password]', password);
  if (device) await page.fill('input[name=device]', device);
  await page.click('form button[type=submit]');
  await until(page, { link: 'live' });
}

export async function ready(page) {
  await page.click(usable('ready'));
  await until(page, { agent: 'ready|reserved|ringing' });
}

export async function notReady(page, reason) {
  await page.click(usable('not-ready'));
  await page.click(`[data-reason="${reason}"]`);
}

export async function hold(page) {
  await page.click(usable('hold'));
  await until(page, { callState: 'held' });
}

export async function retrieve(page) {
  await page.click(usable('hold'));
  await until(page, { callState: 'talking' });
}

/** Hands the caller to an office (by its code) or to a number; returns when the transfer began. */
export async function transfer(page, target) {
  await page.click(usable('transfer'));
  const office = page.locator(`[data-office="${target}"]`);
  if (await office.count() > 0) await office.check();
  else await page.fill(id('transfer-number'), target);
  await page.click(id('transfer-submit'));
  await until(page, { callState: 'transferring|wrap_up|' });
}

export async function hangup(page) {
  await page.click(usable('hangup'));
  await until(page, { callState: 'wrap_up|' });
}

/** Fills fields of the ticket form: category, topic, contact_reason, outcome, subject, description, answer. */
export async function classify(page, values) {
  for (const [field, value] of Object.entries(values)) {
    const control = page.locator(`[data-form] [data-field=${field}]`);
    if (/^(category|topic|contact_reason|outcome)$/.test(field)) await control.selectOption(value);
    else await control.fill(value);
  }
}

export const save = (page) => page.click(usable('save'));

export async function close(page) {
  await page.click(usable('close'));
  await page.waitForSelector(`${id('ticket-state')}[data-state^=closed]`);
}

/** The code and, the first time, the PIN; the dialog is closed again. */
export async function tracking(page) {
  await page.click(usable('tracking'));
  const dialog = page.locator(id('tracking-dialog'));
  await dialog.waitFor();
  const groups = async (name) => (await dialog.locator(`${id(name)} .la2-group`).allInnerTexts()).map((s) => s.trim());
  const told = { code: (await groups('code')).join(' '), pin: (await groups('pin')).join('') || undefined };
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  return told;
}

/** What the desktop shows now. */
export const shown = (page) => page.locator(app).evaluate((el) => ({ ...el.dataset }));

export async function screenshot(page, file, { fullPage = false } = {}) {
  mkdirSync(dirname(file), { recursive: true });
  await page.screenshot({ path: file, fullPage, animations: 'disabled' });
}

/** One action by name, as pop.mjs takes them: hold, retrieve, transfer:TARGET, hangup, close, wait:MS. */
export async function act(page, action) {
  const [name, arg] = action.split(/:(.*)/s);
  switch (name) {
    case 'hold': return hold(page);
    case 'retrieve': return retrieve(page);
    case 'transfer': return transfer(page, arg);
    case 'hangup': return hangup(page);
    case 'wait': return page.waitForTimeout(Number(arg));
    case 'tracking': return tracking(page);
    case 'classify': {
      await classify(page, { category: '13', contact_reason: 'information', subject: 'Prova della postazione', description: 'Chiamata di prova', outcome: 'answered', answer: 'Risposta di prova' });
      return page.locator('[data-form] [data-field=topic]').selectOption({ index: 1 });
    }
    case 'close': return close(page);
    default: throw new Error(`unknown action ${action}`);
  }
}

async function walk() {
  const url = process.env.LA2_URL;
  if (!url) throw new Error('LA2_URL is not set');
  const user = process.env.LA2_USER ?? '1001';
  const say = (what, more = {}) => console.log(JSON.stringify({ at: new Date().toISOString(), what, ...more }));
  const browser = await launch();
  try {
    const page = await open(browser, url);
    await login(page, { user, password: process.env.LA2_PASSWORD ?? `demo-${user}` });
    say('logged_in');
    await ready(page);
    say('ready');
    await until(page, { callState: 'ringing' }, 120_000);
    say('ringing', { ticket: (await shown(page)).ticket });
    await screenshot(page, 'test-results/node-pop.png');
    await until(page, { callState: 'talking' }, 60_000);
    for (const action of ['hold', 'retrieve', 'classify', 'tracking', 'close', 'hangup']) {
      say(action, { result: await act(page, action) });
    }
    await screenshot(page, 'test-results/node-closed.png');
    await page.click(id('logout'));
    await page.waitForSelector('[data-view=login]');
    say('logged_out');
  } finally {
    await browser.close();
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await walk();
