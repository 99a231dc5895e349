import { useState, type FormEvent } from 'react';
import { Button } from 'design-react-kit';
import { useT } from '../i18n';
import type { Call } from '../state/desk';
import { useStore } from '../state/store';
import { Dialog } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import { useController } from './context';

/** Whom to hand the caller to: an office of the network, or a number. Call and ticket go together. */
export function TransferDialog({ call, onClose }: { call: Call; onClose: () => void }) {
  const t = useT();
  const c = useController();
  const { offices } = useStore(c.desk);
  const { busy } = useStore(c.activity);
  const [choice, setChoice] = useState(''); // the code of an office
  const [number, setNumber] = useState('');
  const [error, setError] = useState(false);
  const typed = number.replace(/[\s./-]/g, '');

  const submit = async (e: FormEvent<HTMLFormElement>): Promise<void> => {
    e.preventDefault();
    const first = (e.nativeEvent as SubmitEvent).submitter?.getAttribute('value') === 'consult';
    const office = offices.find((o) => o.ipa === choice && o.up);
    if (office === undefined && !/^\+?\d{2,15}$/.test(typed)) return setError(true);
    onClose();
    const to = office !== undefined ? { office: office.ipa } : { number: typed };
    await (first ? c.consult(call.call, to) : c.transfer(call.call, to));
  };

  return (
    <Dialog title={t('transfer.title')} onClose={onClose} wide testId="transfer-dialog">
      <form onSubmit={(e) => void submit(e)} noValidate>
        <p>{t('transfer.lead')}</p>
        <fieldset className="la2-offices">
          <legend>{t('transfer.offices')}</legend>
          {offices.length === 0 && <p>{t('transfer.none')}</p>}
          {offices.map((o, i) => (
            <label key={o.ipa} className={o.up ? '' : 'down'}>
              <input type="radio" name="office" value={o.ipa} data-office={o.ipa} disabled={!o.up} data-autofocus={i === offices.findIndex((x) => x.up)}
                checked={choice === o.ipa} onChange={() => { setChoice(o.ipa); setNumber(''); setError(false); }} />
              <span><strong>{o.name}</strong><span className="la2-sub">{o.number}</span></span>
              <span className="la2-updown"><Icon name={o.up ? 'check' : 'hangup'} /> {t(o.up ? 'transfer.up' : 'transfer.down')}</span>
            </label>
          ))}
        </fieldset>
        <fieldset>
          <legend>{t('transfer.number')}</legend>
          <input className="form-control" type="tel" inputMode="tel" autoComplete="off" aria-label={t('transfer.number.label')} data-testid="transfer-number" value={number}
            aria-invalid={error || undefined} aria-describedby="transfer-error" onChange={(e) => { setNumber(e.target.value); setChoice(''); setError(false); }} />
        </fieldset>
        <div role="alert" id="transfer-error">{error && <p className="la2-error">{t('transfer.choose')}</p>}</div>
        <div className="la2-actions">
          <Button color="primary" type="submit" aria-disabled={busy['transfer']} data-testid="transfer-submit"><Icon name="transfer" /> {t('transfer.submit')}</Button>
          <Button color="outline-primary" type="submit" value="consult" aria-disabled={busy['transfer']} title={t('transfer.consult.hint')} data-testid="consult-submit"><Icon name="telephone" /> {t('transfer.consult')}</Button>
          <Button color="outline-primary" type="button" onClick={onClose}>{t('app.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  );
}
