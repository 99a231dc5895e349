// The desktop in Chromium against the mock node: `npm run walk [NAME]`. Each
// case has its own node and browser profile; screenshots go to test-results/.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from '@axe-core/playwright';
import { Mock } from '../mock/server.mjs';
import { classify, close, hangup, hold, launch, login, open, ready, retrieve, save, screenshot, shown, tracking, transfer, until } from './desktop.mjs';

const AxeBuilder = axe.default ?? axe;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const results = join(root, 'test-results');
const say = (page, name) => page.locator(`[data-testid=${name}]`);

/** No serious or critical finding of axe (WCAG 2.1 A and AA). */
async function accessible(page, where) {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']).analyze();
  const bad = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`), [], `axe on ${where}`);
  for (const v of violations) console.log(`    axe ${v.impact} on ${where}: ${v.id} (${v.nodes.length})`);
}

const shot = (page, name, o) => screenshot(page, join(results, `${name}.png`), o);
const agent = async (t, user = '1001') => {
  const page = await t.open();
  await login(page, { user, password: `demo-${user}` });
  return page;
};
const talking = async (t, page, caller) => {
  await ready(page);
  const call = t.mock.ring('1001', caller);
  await until(page, { callState: 'ringing' });
  t.mock.answer(call);
  await until(page, { callState: 'talking' });
  await page.waitForSelector('[data-testid=ticket-state][data-state=open_fo]');
  return call;
};

const cases = {
  async 'log in: wrong password, then right; station preset to the user'(t) {
    const page = await t.open();
    await page.waitForSelector('[data-view=login]');
    await shot(page, '01-login');
    await accessible(page, 'log-in');
    await page.fill('input[name=username]', '1001');
    assert.equal(await page.inputValue('input[name=device]'), '1001');
    await page.fill('input[name=password]', 'sbagliata');
    await page.keyboard.press('Enter');
    await page.getByText('Nome utente o password non corretti.').waitFor();
    await login(page, { user: '1001', password: 'demo-1001' });
    await until(page, { agent: 'not_ready' });
    await shot(page, '02-not-ready');
    await accessible(page, 'not ready');
  },

  async 'answer from the desktop, consult, swap, hand over'(t) {
    const page = await agent(t);
    await ready(page);
    t.mock.ring('1001', { phone: 'talk,hold' });
    await until(page, { callState: 'ringing' });
    await page.waitForSelector('[data-testid=answer]');
    await shot(page, '15-answer');
    await accessible(page, 'answer');
    await page.keyboard.press('Alt+o');
    await until(page, { callState: 'talking' });
    await page.click('[data-testid=transfer]');
    await page.check('[data-office=cmna]');
    await page.click('[data-testid=consult-submit]');
    await until(page, { callState: 'consulting' });
    await page.getByText('il cittadino sente la musica').first().waitFor();
    await shot(page, '16-consult');
    await accessible(page, 'consultation');
    await page.click('[data-testid=swap]');
    await page.getByText('Parli con il cittadino').waitFor();
    await page.click('[data-testid=complete]');
    await until(page, { callState: 'wrap_up' });
  },

  async 'a telephone that cannot be told: no button; a consultation is taken back'(t) {
    const page = await agent(t);
    await ready(page);
    const call = t.mock.ring('1001');
    await until(page, { callState: 'ringing' });
    assert.equal(await say(page, 'answer').count(), 0);
    t.mock.answer(call);
    await until(page, { callState: 'talking' });
    await page.click('[data-testid=transfer]');
    await page.fill('[data-testid=transfer-number]', '1002');
    await page.click('[data-testid=consult-submit]');
    await until(page, { callState: 'consulting' });
    await retrieve(page);
    await until(page, { callState: 'talking' });
    assert.equal(await say(page, 'transfer-failed').count(), 0);
  },

  async 'emergency: one key hands the citizen over to 112'(t) {
    const page = await agent(t);
    await ready(page);
    const call = t.mock.ring('1001');
    await until(page, { callState: 'ringing' });
    assert.equal(await say(page, 'emergency').count(), 0);
    t.mock.answer(call);
    await until(page, { callState: 'talking' });
    assert.equal(await say(page, 'emergency').innerText().then((s) => s.split('\n')[0].trim()), 'Collega al 112');
    await page.keyboard.press('Alt+u');
    await until(page, { callState: 'transferring' });
    await page.getByText('Verso 112').first().waitFor();
    await until(page, { callState: 'wrap_up' });
  },

  async 'the whole call: pop before answer, hold, transfer refused, classify, track, close, wrap-up'(t) {
    const page = await agent(t);
    await ready(page);
    const rung = Date.now();
    const call = t.mock.ring('1001', { from: 'c_b180', cls: 'transfer' });
    await until(page, { callState: 'ringing' });
    console.log(`    pop after ${Date.now() - rung} ms`);
    assert.equal(await say(page, 'caller').innerText(), '+390••••••12');
    assert.equal(await say(page, 'call-queue').innerText(), 'URP');
    assert.equal(await say(page, 'call-service').innerText(), '803.001 – Linea Amica');
    assert.equal(await say(page, 'call-wait').innerText(), '0:21');
    assert.equal(await say(page, 'call-from').innerText(), 'Comune di Brindisi');
    assert.match(await say(page, 'pop-ticket').innerText(), /^c_b180\./);
    await page.waitForSelector('[data-testid=ticket-state][data-state=draft]');
    assert.match(await say(page, 'say-now').innerText(), /Chiamata in arrivo/);
    assert.match(await page.title(), /Chiamata: URP/);
    await shot(page, '03-ringing');
    await accessible(page, 'ringing');
    t.mock.answer(call);
    await until(page, { callState: 'talking' });
    await page.waitForSelector('[data-testid=ticket-state][data-state=open_fo]');
    await hold(page);
    await shot(page, '04-held');
    await retrieve(page);
    await page.click('[data-testid=transfer]');
    await page.waitForSelector('[data-testid=transfer-dialog]');
    assert.equal(await page.locator('[data-office=c_i754]').isDisabled(), true);
    await shot(page, '05-transfer');
    await accessible(page, 'transfer dialog');
    await page.keyboard.press('Escape');
    await transfer(page, 'cmna');
    await retrieve(page); // nobody has answered yet: the caller is taken back
    assert.equal(await say(page, 'transfer-failed').count(), 0);
    await transfer(page, '1002');
    await until(page, { callState: 'talking' });
    await say(page, 'transfer-failed').waitFor();
    await page.click('[data-testid=close]');
    await say(page, 'missing').waitFor();
    assert.equal(await page.locator('[aria-invalid=true]').count(), 3);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'category');
    await shot(page, '06-missing');
    await accessible(page, 'missing fields');
    await classify(page, { category: '13', topic: '13.01', contact_reason: 'information', outcome: 'answered', subject: 'Ricongiunzione, tel 333 1234567' });
    await page.getByText('Sembra contenere un numero di telefono').waitFor();
    await classify(page, { subject: 'Ricongiunzione dei contributi', description: 'Chiede i tempi della domanda.', answer: 'Domanda sul sito INPS; novanta giorni.' });
    await shot(page, '07-talking');
    await accessible(page, 'talking');
    await page.keyboard.press('Alt+i');
    await page.waitForSelector('[data-testid=tracking-dialog]');
    await shot(page, '08-tracking');
    await accessible(page, 'tracking dialog');
    await page.keyboard.press('Escape');
    assert.equal((await tracking(page)).pin, undefined, 'the PIN is told once');
    await close(page);
    await hangup(page);
    await until(page, { agent: 'wrap_up' });
    assert.match(await say(page, 'timing').innerText(), /Torni disponibile fra 0:[123]\d/);
    await shot(page, '09-wrap-up');
    await accessible(page, 'wrap-up');
    await page.click('[data-testid=ready]');
    await until(page, { agent: 'ready', callState: '' });
    await page.getByText('Nessuna pratica aperta').waitFor();
    await shot(page, '10-ready');
  },

  async 'keyboard only: from log-in to the closed ticket'(t) {
    const page = await t.open();
    await page.waitForSelector('input[name=username]:focus');
    await page.keyboard.type('1001');
    await page.keyboard.press('Tab');
    await page.keyboard.type('demo-1001');
    await page.keyboard.press('Enter');
    await until(page, { agent: 'not_ready' });
    await page.keyboard.press('Alt+n');
    await page.waitForSelector('[role=menuitem]:focus');
    await shot(page, '11-reasons');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByText('Formazione ·').waitFor();
    await page.keyboard.press('Alt+p');
    await until(page, { agent: 'ready' });
    const call = t.mock.ring('1001', { withheld: true });
    await until(page, { callState: 'ringing' });
    assert.equal((await say(page, 'caller').innerText()).trim(), 'Numero riservato');
    t.mock.answer(call);
    await until(page, { callState: 'talking' });
    await page.waitForSelector('#ticket-title:focus');
    await page.keyboard.press('Alt+a');
    await until(page, { callState: 'held' });
    await page.keyboard.press('Alt+a');
    await until(page, { callState: 'talking' });
    await page.waitForSelector('[data-testid=ticket-state][data-state=open_fo]');
    await page.keyboard.press('Alt+m');
    await page.waitForSelector('[data-field=category]:focus');
    await page.keyboard.type('13');
    await page.keyboard.press('Tab');
    await page.keyboard.type('13.02');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Inf');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Risp');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Pensione di vecchiaia');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Ha i requisiti.');
    await page.keyboard.press('Alt+s');
    await page.getByText(/Modifiche non salvate|Salvata alle/).first().waitFor();
    await page.keyboard.press('Alt+c');
    await page.waitForSelector('[data-testid=ticket-state][data-state=closed_fo]');
    const closed = [...t.mock.tickets.all.values()][0];
    assert.deepEqual([closed.category, closed.topic, closed.outcome, closed.subject, closed.answer],
      ['13', '13.02', 'answered', 'Pensione di vecchiaia', 'Ha i requisiti.']);
    await page.keyboard.press('Alt+k');
    await page.waitForSelector('[data-testid=shortcuts]');
    await shot(page, '12-shortcuts');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Alt+t');
    await page.waitForSelector('[data-office=cmna]:focus');
    await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await until(page, { callState: 'wrap_up' });
    await page.keyboard.press('Alt+p');
    await until(page, { agent: 'ready' });
  },

  async 'a pop steals neither focus nor text, and keeps the unsaved ticket'(t) {
    const page = await agent(t);
    const first = await talking(t, page);
    await page.focus('[data-field=description]');
    await page.keyboard.type('prima ');
    t.mock.end(first);
    await until(page, { agent: 'wrap_up' });
    await page.keyboard.type('parte ');
    t.mock.endWrapUp('1001');
    const second = t.mock.ring('1001');
    await until(page, { callState: 'ringing' });
    await page.keyboard.type('e seconda');
    t.mock.answer(second);
    await until(page, { callState: 'talking' });
    await page.keyboard.type(' parte');
    assert.equal(await page.inputValue('[data-field=description]'), 'prima parte e seconda parte');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'description');
    assert.equal(await page.locator('.la2-tabs button').count(), 2);
    await shot(page, '13-two-tickets');
    await accessible(page, 'two tickets');
    await page.locator('.la2-tabs button').nth(1).click();
    assert.equal(await page.inputValue('[data-field=description]'), '');
  },

  async 'somebody else changed the ticket: merge, clash, save'(t) {
    const page = await agent(t);
    await talking(t, page);
    const { ticket } = await shown(page);
    await classify(page, { subject: 'Il mio oggetto', description: 'La mia descrizione' });
    t.mock.tickets.change(ticket, 'edited', { subject: 'Oggetto del collega', contact_reason: 'complaint' });
    await save(page);
    await say(page, 'merged').waitFor();
    assert.equal(await page.inputValue('[data-field=contact_reason]'), 'complaint');
    assert.equal(await page.inputValue('[data-field=subject]'), 'Il mio oggetto');
    await shot(page, '14-merge');
    await accessible(page, 'merge');
    await say(page, 'clash-subject').getByRole('button', { name: 'Usa l’altro' }).click();
    await save(page);
    await page.getByText('Salvata alle').waitFor();
    const stored = t.mock.tickets.get(ticket);
    assert.deepEqual([stored.subject, stored.description], ['Oggetto del collega', 'La mia descrizione']);
  },

  async 'reload in a call keeps the call and what was typed'(t) {
    const page = await agent(t);
    await talking(t, page);
    await classify(page, { subject: 'Scritto prima', answer: 'Metà risp' });
    await page.reload();
    await until(page, { callState: 'talking', link: 'live' });
    await page.waitForSelector('[data-testid=ticket-state][data-state=open_fo]');
    assert.equal(await page.inputValue('[data-field=subject]'), 'Scritto prima');
    assert.equal(await page.inputValue('[data-field=answer]'), 'Metà risp');
  },

  async 'the link is cut: resumes by position and loses nothing'(t) {
    const page = await agent(t);
    const call = await talking(t, page);
    for (let i = 0; i < 5; i++) {
      t.mock.cut();
      t.mock.command({ writeHead() {}, end() {} }, call, i % 2 === 0 ? 'hold' : 'retrieve', {});
      await until(page, { callState: i % 2 === 0 ? 'held' : 'talking', link: 'live' });
    }
    const opens = t.mock.log.filter((l) => l.startsWith('WS open'));
    assert.equal(opens.filter((l) => l.endsWith('after=')).length, 1, 'one snapshot, then resumes');
    assert.ok(opens.length >= 6);
  },

  async 'the node restarts, with its journal and with a new one'(t) {
    const page = await agent(t);
    await talking(t, page);
    await t.mock.restart({ down: 2500 });
    await until(page, { callState: 'talking', link: 'live' });
    const down = t.mock.restart({ down: 3500, newEpoch: true });
    await say(page, 'link-banner').waitFor();
    await shot(page, '15-reconnecting');
    await accessible(page, 'reconnecting');
    await down;
    await until(page, { callState: 'talking', link: 'live' });
  },

  async 'a second tab waits, and may take over'(t) {
    const page = await agent(t);
    const second = await page.context().newPage();
    await second.goto(t.url);
    await second.getByText('La postazione è già aperta').waitFor();
    await shot(second, '16-second-tab');
    await accessible(second, 'second tab');
    await second.getByRole('button', { name: 'Usa questa scheda' }).click();
    await until(second, { link: 'live' });
    await page.getByText('La postazione è già aperta').waitFor();
  },

  async 'a supervisor sees the room; a pop brings the desk back'(t) {
    const page = await agent(t, '1006');
    await page.getByRole('button', { name: 'Sala' }).click();
    await page.waitForSelector('[data-trunk=siracusa]');
    await shot(page, '17-room');
    await accessible(page, 'room');
    await page.click('[data-testid=ready]');
    await until(page, { agent: 'ready' });
    t.mock.ring('1006');
    await page.waitForSelector('[data-testid=call][data-state=ringing]');
  },

  async 'refused command, station down, not answered, expired log-in'(t) {
    const page = await agent(t);
    const call = await talking(t, page);
    t.mock.refuse = { path: '/hold', status: 409, kind: 'illegal-state' };
    await page.click('[data-testid=hold]');
    await say(page, 'problem').waitFor();
    t.mock.publish('DeviceDown', { device: '1001' });
    await say(page, 'device-banner').waitFor();
    await shot(page, '18-banners');
    await accessible(page, 'banners');
    await classify(page, { subject: 'Da conservare' });
    t.mock.end(call);
    await until(page, { agent: 'wrap_up' });
    t.mock.sessions.clear();
    t.mock.cut();
    await page.getByText('La sessione è scaduta').waitFor();
    await login(page, { user: '1001', password: 'demo-1001' });
    await page.waitForSelector('[data-field=subject]');
    assert.equal(await page.inputValue('[data-field=subject]'), 'Da conservare');
  },

  async 'a ticket that arrives after its call, typed into meanwhile'(t) {
    const page = await agent(t);
    await ready(page);
    t.mock.late = t.mock.tickets.open('cmna', 5000);
    const call = t.mock.ring('1001', { from: 'cmna', cls: 'overflow', ticket: t.mock.late });
    t.mock.answer(call);
    await until(page, { callState: 'talking' });
    await page.getByText('Non riesco a leggere la pratica.').waitFor();
    await classify(page, { subject: 'Scritto prima che arrivasse' });
    t.mock.late = null;
    await page.waitForSelector('[data-testid=ticket-state][data-state=open_fo]');
    assert.equal(await page.inputValue('[data-field=subject]'), 'Scritto prima che arrivasse');
    await save(page);
    await page.getByText('Salvata alle').waitFor();
  },

  async 'wrap-up ends by itself: typed text is stored before'(t) {
    const page = await agent(t);
    const call = await talking(t, page);
    const { ticket } = await shown(page);
    await classify(page, { subject: 'Non salvato a mano' });
    t.mock.end(call);
    await until(page, { agent: 'ready' }, 12_000);
    assert.equal(t.mock.tickets.get(ticket).subject, 'Non salvato a mano');
  },

  async 'pop.mjs tells what the page shows and acts'(t) {
    const args = ['--url', t.url, '--user', '1001', '--password', 'demo-1001', '--until', 'closed', '--timeout', '30',
      '--answer-actions', 'hold,retrieve,classify,tracking,close,transfer:cmna', '--screenshot', join(results, 'pop.png'), '--screenshot-at', 'ringing'];
    const child = spawn(process.execPath, [join(root, 'e2e', 'pop.mjs'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = [];
    let rung = 0;
    let text = '';
    for await (const chunk of child.stdout) {
      text += chunk;
      const whole = text.split('\n');
      text = whole.pop();
      for (const line of whole.map((l) => JSON.parse(l))) {
        lines.push(line);
        if (line.state === 'ready') {
          rung = Date.now();
          t.mock.ring('1001');
        }
        if (line.state === 'ringing') setTimeout(() => t.mock.answer(line.call), 500);
      }
    }
    assert.deepEqual(lines.filter((l) => l.state !== 'ticket').map((l) => (l.state === 'action' ? l.action : l.state)),
      ['logged_in', 'ready', 'ringing', 'talking', 'held', 'hold', 'talking', 'retrieve', 'classify', 'tracking', 'close', 'transferring', 'transfer:cmna', 'wrap_up', 'closed']);
    const told = lines.find((l) => l.action === 'tracking');
    assert.deepEqual([told.code, told.pin], ['482 913 705 6', '730214']);
    const pop = lines.find((l) => l.state === 'ringing');
    assert.match(pop.ticket, /^formezpa\./);
    console.log(`    pop after ${pop.t - rung} ms`);
    assert.ok(pop.t - rung < 500);
    assert.equal(child.exitCode ?? await new Promise((ok) => child.once('exit', ok)), 0);
  },

  async 'narrow screens and English'(t) {
    const page = await t.open({ width: 1024, height: 768 });
    await login(page, { user: '1001', password: 'demo-1001' });
    await talking(t, page);
    await shot(page, '19-1024', { fullPage: true });
    await accessible(page, '1024 wide');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 1024, `scrolls sideways: ${wide}`);
    await page.selectOption('.la2-lang select', 'en');
    await page.getByRole('button', { name: 'Hang up' }).waitFor();
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    await page.setViewportSize({ width: 640, height: 800 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 640, 'reflows at 200 %');
    await shot(page, '20-640-en', { fullPage: true });
  },
};

async function run(name, body, browser) {
  const mock = new Mock({ dist: join(root, 'dist'), wrapUp: /by itself/.test(name) ? 6500 : 30_000 });
  const url = await mock.listen(0);
  const pages = [];
  const errors = [];
  const t = {
    mock, url,
    async open(o) {
      const page = await open(browser, url, o);
      pages.push(page);
      page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource|WebSocket/.test(m.text())) errors.push(m.text()); });
      page.on('pageerror', (e) => errors.push(String(e)));
      return page;
    },
  };
  try {
    await body(t);
    assert.deepEqual(errors, [], 'errors in the console');
  } catch (e) {
    if (pages[0]) await shot(pages.at(-1), 'failed').catch(() => undefined);
    throw e;
  } finally {
    for (const p of pages) await p.context().close();
    await mock.close();
  }
}

const only = process.argv[2];
const browser = await launch();
let failed = 0;
for (const [name, body] of Object.entries(cases)) {
  if (only && !name.includes(only)) continue;
  const start = Date.now();
  try {
    await run(name, body, browser);
    console.log(`ok   ${name} (${Date.now() - start} ms)`);
  } catch (e) {
    failed++;
    console.log(`FAIL ${name}\n${e.stack}`);
  }
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);
