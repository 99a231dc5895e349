// Positions of the event stream: "EPOCH.SEQ" (docs/cti-protocol.md).

export interface Position { epoch: string; seq: number }

/** Reads "EPOCH.SEQ"; null for "" and for anything malformed. */
export function parsePosition(text: string): Position | null {
  const dot = text.lastIndexOf('.');
  if (dot <= 0) return null;
  const digits = text.slice(dot + 1);
  if (!/^\d+$/.test(digits)) return null;
  return { epoch: text.slice(0, dot), seq: Number(digits) };
}

/** What a frame at `next` is to a reader that has read up to `last`. */
export type Order = 'new' | 'old' | 'other-epoch' | 'malformed';

export function compare(last: string, next: string): Order {
  const b = parsePosition(next);
  if (b === null) return 'malformed';
  const a = parsePosition(last);
  if (a === null) return 'new';
  if (a.epoch !== b.epoch) return 'other-epoch';
  return b.seq > a.seq ? 'new' : 'old';
}
