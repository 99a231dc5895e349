import { createContext, useContext, useEffect, useState } from 'react';
import { nodeNow } from '../api/http';
import { useT } from '../i18n';
import type { Controller } from './controller';
import { service as serviceNumber } from '../state/format';

export const Desktop = createContext<Controller | null>(null);

export function useController(): Controller {
  const c = useContext(Desktop);
  if (c === null) throw new Error('no controller above');
  return c;
}

/** The node's time; renders once a second while `active`. */
export function useNow(active: boolean): number {
  const [, turn] = useState(0);
  useEffect(() => {
    if (!active) return;
    const t = setInterval(() => turn((n) => n + 1), 1000);
    return () => clearInterval(t);
  }, [active]);
  return nodeNow();
}

/** A queue, topic or service as people read it: "urp" → URP, "803001" → 803.001. */
export function useLabel(): (value: string) => string {
  const t = useT();
  return (value) => {
    if (/^\+?\d+$/.test(value)) return serviceNumber(value);
    return value.length <= 4 ? value.toUpperCase() : t.of('', value);
  };
}

/** The name of an office, or its code when it is not one we know. */
export function useOffice(): (ipa: string) => string {
  const c = useController();
  return (ipa) => {
    if (ipa === c.session.site.ipa) return c.session.site.name;
    return c.desk.get().offices.find((o) => o.ipa === ipa || o.number === ipa)?.name ?? (/^\d|^\+/.test(ipa) ? ipa : ipa.toUpperCase());
  };
}
