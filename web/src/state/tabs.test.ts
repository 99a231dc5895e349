import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Tabs, type TabRole } from './tabs';

function browser() {
  const tabs: { onmessage: ((e: MessageEvent) => void) | null }[] = [];
  return (me: string) => {
    const channel = {
      onmessage: null as ((e: MessageEvent) => void) | null,
      postMessage(data: unknown) { for (const t of tabs) if (t !== channel) t.onmessage?.({ data } as MessageEvent); },
      close() { tabs.splice(tabs.indexOf(channel), 1); },
    };
    tabs.push(channel);
    const roles: TabRole[] = [];
    const tab = new Tabs(channel, (r) => roles.push(r), me);
    return { tab, role: () => roles.at(-1) ?? 'asking' };
  };
}

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

describe('tabs', () => {
  it('the first holds, the second shows a notice and may take over', () => {
    const open = browser();
    const a = open('a');
    a.tab.start();
    vi.advanceTimersByTime(200);
    const b = open('b');
    b.tab.start();
    vi.advanceTimersByTime(200);
    expect([a.role(), b.role()]).toEqual(['holder', 'second']);
    b.tab.take();
    expect([a.role(), b.role()]).toEqual(['second', 'holder']);
  });
  it('two opened at once: exactly one holds', () => {
    const open = browser();
    const [a, b] = [open('a'), open('b')];
    b.tab.start();
    a.tab.start();
    vi.advanceTimersByTime(200);
    expect([a.role(), b.role()].sort()).toEqual(['holder', 'second']);
  });
  it('a reload of the holder stays the holder; a closed one is succeeded', () => {
    const open = browser();
    const a = open('a');
    a.tab.start();
    vi.advanceTimersByTime(200);
    const b = open('b');
    b.tab.start();
    a.tab.close();
    vi.advanceTimersByTime(500);
    const again = open('a2');
    again.tab.start();
    vi.advanceTimersByTime(5000);
    expect([again.role(), b.role()]).toEqual(['holder', 'second']);
    again.tab.close();
    vi.advanceTimersByTime(5000);
    expect(b.role()).toBe('holder');
  });
});
