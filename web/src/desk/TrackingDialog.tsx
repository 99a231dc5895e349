import { Button } from 'design-react-kit';
import type { Tracking } from '../api/types';
import { useT } from '../i18n';
import { group } from '../state/format';
import { Dialog } from '../ui/Dialog';
import { Icon } from '../ui/Icon';

/** Code and PIN large and in groups, to be read aloud; screen readers get digit by digit. */
export function TrackingDialog({ tracking, onClose }: { tracking: Tracking; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t('tracking.title')} onClose={onClose} wide testId="tracking-dialog">
      <Digits name={t('tracking.code')} digits={group(tracking.code, 3)} testId="code" />
      {tracking.pin ? <Digits name={t('tracking.pin')} digits={group(tracking.pin, 3)} testId="pin" /> : null}
      <p className="la2-note"><Icon name="info" /> {t(tracking.pin ? 'tracking.once' : 'tracking.again')}</p>
      <div className="la2-actions"><Button color="primary" onClick={onClose} data-autofocus="true">{t('tracking.done')}</Button></div>
    </Dialog>
  );
}

function Digits({ name, digits, testId }: { name: string; digits: string; testId: string }) {
  return (
    <div className="la2-digits">
      <span className="la2-digitsname">{name}</span>
      <span className="visually-hidden">{[...digits.replace(/\s/g, '')].join(' ')}</span>
      <span aria-hidden="true" data-testid={testId}>{digits.split(' ').map((g, i) => <span key={i} className="la2-group">{g} </span>)}</span>
    </div>
  );
}
