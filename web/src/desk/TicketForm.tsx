import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Button } from 'design-react-kit';
import { useT } from '../i18n';
import { instant } from '../state/format';
import { personalData } from '../state/privacy';
import { useStore } from '../state/store';
import { isClosed, type Field as Name, type Item } from '../state/work';
import { Field } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { Kbd, keys } from '../ui/Kbd';
import { useShortcuts } from '../ui/shortcuts';
import { useController, useOffice } from './context';
import { useTaxonomy } from './taxonomy';
import { TrackingDialog } from './TrackingDialog';

const reasons = ['information', 'request', 'complaint', 'report', 'thanks', 'other'] as const;
const outcomes = ['answered', 'forwarded_external', 'not_competent', 'duplicate', 'abandoned', 'emergency_redirect', 'withdrawn'] as const;
const subjectMax = 160;
const textMax = 8000;

/** Classify, describe, answer; save or close. The node says what is missing. */
export function TicketForm({ item }: { item: Item }) {
  const t = useT();
  const c = useController();
  const office = useOffice();
  const categories = useTaxonomy();
  const form = useRef<HTMLDivElement>(null);
  const locked = isClosed(item) || item.state === 'gone' || (item.base !== null && item.base.owner_ipa !== c.session.site.ipa);
  const { draft } = item;
  const topics = categories.find((k) => k.code === draft.category)?.topics ?? [];
  const set = (f: Name) => (e: { target: { value: string } }): void => c.edit(item.id, f, e.target.value);
  const common = (f: Name) => ({ name: f, value: draft[f], onChange: set(f), 'data-field': f });
  const error = (f: Name): string => (item.errors[f] ? t(draft[f] === '' ? 'ticket.missing' : 'ticket.invalid') : '');
  const personal = personalData(draft.subject);

  const choose = (f: Name, label: string, options: [string, string][], hint = t('ticket.choose')): ReactNode => (
    <Field label={label} error={error(f)} after={<Clash item={item} field={f} />}>
      {(p) => (
        <select {...p} {...common(f)} className="form-select" disabled={locked}>
          <option value="">{hint}</option>
          {draft[f] !== '' && !options.some(([v]) => v === draft[f]) && <option value={draft[f]}>{draft[f]}</option>}
          {options.map(([v, text]) => <option key={v} value={v}>{text}</option>)}
        </select>
      )}
    </Field>
  );
  const write = (f: Name, label: string, hint?: string): ReactNode => (
    <Field label={label} hint={hint} error={error(f)} after={<Clash item={item} field={f} />}>
      {(p) => <textarea {...p} {...common(f)} className="form-control" rows={4} maxLength={textMax} readOnly={locked} />}
    </Field>
  );

  return (
    <div className="la2-form" data-form={item.id} data-revision={item.base?.revision ?? 0} ref={form}>
      {item.base !== null && item.base.owner_ipa !== c.session.site.ipa && <p className="la2-note" role="status"><Icon name="lock" /> {t('ticket.readonly.owner', { owner: office(item.base.owner_ipa) })}</p>}
      {item.merged && <p className="la2-note" role="alert" data-testid="merged"><Icon name="info" /> {t('ticket.merged', { revision: item.base?.revision ?? 0 })}</p>}
      <Missing item={item} form={form.current} />
      <div className="la2-fields">
        {choose('category', t('ticket.category'), categories.map((k) => [k.code, `${k.code} ${k.name}`]))}
        {choose('topic', t('ticket.topic'), topics.map((k) => [k.code, `${k.code} ${k.name}`]), t(draft.category ? 'ticket.choose' : 'ticket.choose.category'))}
        {choose('contact_reason', t('ticket.contact_reason'), reasons.map((r) => [r, t(`creason.${r}`)]))}
        {choose('outcome', t('ticket.outcome'), outcomes.map((o) => [o, t(`outcome.${o}`)]))}
        <Field className="full" label={t('ticket.subject')} error={error('subject')} warning={personal ? t(`personal.${personal}`) : ''} after={<Clash item={item} field="subject" />}
          hint={draft.subject.length > subjectMax - 40 ? t('ticket.subject.left', { left: subjectMax - draft.subject.length }) : t('ticket.subject.hint')}>
          {(p) => <input {...p} {...common('subject')} className="form-control" maxLength={subjectMax} autoComplete="off" readOnly={locked} />}
        </Field>
        {write('description', t('ticket.description'))}
        {write('answer', t('ticket.answer'), t('ticket.answer.hint'))}
      </div>
      <Actions item={item} locked={locked} />
    </div>
  );
}

/** How many fields the node misses; the first of them gets the focus once. */
function Missing({ item, form }: { item: Item; form: HTMLElement | null }) {
  const t = useT();
  const names = Object.keys(item.errors) as Name[];
  const n = names.length;
  const wrong = names.some((f) => item.draft[f] !== '');
  const before = useRef(0);
  useEffect(() => {
    if (n > 0 && before.current === 0) form?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
    before.current = n;
  }, [n, form]);
  return <div role="alert">{n > 0 && <p className="la2-error big" data-testid="missing"><Icon name="warning" /> {wrong ? t('ticket.check') : n === 1 ? t('ticket.missing.one') : t('ticket.missing.many', { n })}</p>}</div>;
}

function Clash({ item, field }: { item: Item; field: Name }) {
  const t = useT();
  const c = useController();
  const theirs = item.conflicts[field];
  if (theirs === undefined) return null;
  const resolve = (keep: 'mine' | 'theirs'): void => c.work.dispatch({ type: 'resolve', id: item.id, field, keep });
  return (
    <div className="la2-clash" data-testid={`clash-${field}`}>
      <p><Icon name="warning" /> {t('ticket.conflict', { theirs })}</p>
      <button type="button" onClick={() => resolve('mine')}>{t('ticket.keep.mine')}</button>
      <button type="button" onClick={() => resolve('theirs')}>{t('ticket.keep.theirs')}</button>
    </div>
  );
}

function Actions({ item, locked }: { item: Item; locked: boolean }) {
  const t = useT();
  const c = useController();
  const { busy } = useStore(c.activity);
  const [telling, setTelling] = useState(false);
  const draft = item.base === null || item.base.state === 'draft';
  const blocked = locked || draft || item.state === 'saving';
  const save = (): void => { if (!blocked) void c.save(item.id); };
  const close = (): void => { if (!blocked) void c.close(item.id); };
  const tell = async (): Promise<void> => {
    if (draft || item.state === 'gone') return;
    if (await c.tracking(item.id)) setTelling(true);
  };
  useShortcuts({ save, close, tracking: () => void tell() });

  let state = '';
  if (item.state === 'saving') state = t('ticket.saving');
  else if (isClosed(item)) state = t('ticket.closed');
  else if (draft && item.base !== null) state = t('ticket.draft');
  else if (Object.keys(item.touched).length > 0) state = t('ticket.unsaved');
  else if (item.savedAt) state = t('ticket.saved', { time: instant(item.savedAt, t.lang, 'time') });

  return (
    <div className="la2-actions">
      <Button color="outline-primary" aria-disabled={blocked} data-testid="save" onClick={save} {...keys('save')}>{t('ticket.save')} <Kbd of="save" /></Button>
      <Button color="primary" aria-disabled={blocked} data-testid="close" onClick={close} {...keys('close')}><Icon name="check" /> {t('ticket.close')} <Kbd of="close" /></Button>
      <Button color="outline-primary" aria-disabled={draft || busy['tracking']} aria-haspopup="dialog" data-testid="tracking" onClick={() => void tell()} {...keys('tracking')}>
        <Icon name="key" /> {t('ticket.tracking')} <Kbd of="tracking" />
      </Button>
      <span className="la2-savestate" role="status" data-testid="save-state">{state}</span>
      {telling && item.tracking && <TrackingDialog tracking={item.tracking} onClose={() => { setTelling(false); c.forgetPIN(item.id); }} />}
    </div>
  );
}
