import { useEffect, useState } from 'react';
import { Problem } from '../api/http';
import { useT, type Key } from '../i18n';
import { useStore } from '../state/store';
import { Icon } from '../ui/Icon';
import { useController } from './context';

/** What the agent must know above everything else: link, telephone, refused command. */
export function Banners() {
  const t = useT();
  const c = useController();
  const desk = useStore(c.desk);
  const { problem } = useStore(c.activity);
  const late = useLate(desk.link !== 'live', desk.loaded ? 1500 : 3000);
  return (
    <div className="la2-banners">
      <div role="status">
        {late && (
          <p className="la2-banner warn" data-testid="link-banner">
            <Icon name="plug" />
            <span>{t(!desk.loaded ? 'link.first' : desk.bye === 'shutdown' ? 'link.shutdown' : 'link.banner', { attempt: desk.attempt })}</span>
            <button type="button" onClick={() => c.retryNow()}>{t('link.now')}</button>
          </p>
        )}
        {desk.loaded && !desk.deviceUp && (
          <p className="la2-banner warn" data-testid="device-banner"><Icon name="telephone" /><span>{t('device.down', { device: desk.device })}</span></p>
        )}
      </div>
      <div role="alert">
        {problem !== null && (
          <p className="la2-banner bad" data-testid="problem">
            <Icon name="warning" />
            <span>{t(text(problem), { detail: problem.detail })}</span>
            <button type="button" onClick={c.dismissProblem}>{t('error.dismiss')}</button>
          </p>
        )}
      </div>
    </div>
  );
}

function text(p: Problem): Key {
  if (p.status === 0) return 'error.network';
  if (p.status === 409) return 'error.illegal-state';
  return p.status === 403 ? 'error.forbidden' : 'error.other';
}

/** True once `on` has lasted `ms`: a blink of the link is not worth a banner. */
function useLate(on: boolean, ms: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!on) return setLate(false);
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [on, ms]);
  return late;
}
