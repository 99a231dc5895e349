// Durations, dates and codes as people read them.

/** 83000 → "1:23", 3683000 → "1:01:23". Negative counts as 0. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, '0');
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** What is left, rounded up: a countdown that says 0:00 only when it is over. */
export const countdown = (ms: number): string => duration(Math.ceil(ms / 1000) * 1000);

/** "803001" → "803.001"; other numbers as they are. */
export const service = (number: string): string => number.replace(/^803(\d{3})$/, '803.$1');

/** Digits in groups for dictation: group("123456", 3) → "123 456". Spaces in the input are dropped. */
export function group(digits: string, size: number): string {
  return digits.replace(/\s+/g, '').replace(new RegExp(`(.{${size}})(?=.)`, 'g'), '$1 ');
}

/** Date and time of an RFC 3339 instant in the agent's language and Italy's time; "" for none. */
export function instant(at: string | undefined, lang: string, style: 'time' | 'full' = 'full'): string {
  const t = Date.parse(at ?? '');
  if (Number.isNaN(t) || t <= 0) return '';
  const zone = { timeZone: 'Europe/Rome', hourCycle: 'h23' } as const;
  const locale = lang === 'en' ? 'en-GB' : lang;
  return style === 'time'
    ? new Intl.DateTimeFormat(locale, { ...zone, hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(t)
    : new Intl.DateTimeFormat(locale, { ...zone, day: '2-digit', month: '2-digit', year: 'numeric', hour: '2-digit', minute: '2-digit' }).format(t);
}
