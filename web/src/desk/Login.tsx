import { useRef, useState, type FormEvent } from 'react';
import { Button } from 'design-react-kit';
import { Problem, session as sessions } from '../api/http';
import type { Session } from '../api/types';
import { useT } from '../i18n';
import { Field } from '../ui/Field';
import { Icon } from '../ui/Icon';

export function Login({ expired, onSession }: { expired: boolean; onSession: (s: Session) => void }) {
  const t = useT();
  const [user, setUser] = useState('');
  const [device, setDevice] = useState<string | null>(null); // null: the same as the user
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const password = useRef<HTMLInputElement>(null);

  const submit = async (e: FormEvent): Promise<void> => {
    e.preventDefault();
    if (busy) return;
    if (user.trim() === '' || !password.current?.value) return setError(t('login.required'));
    setBusy(true);
    setError('');
    try {
      onSession(await sessions.open(user.trim(), password.current.value, (device ?? user).trim()));
    } catch (err) {
      setBusy(false);
      setError(why(err));
      password.current.select();
      password.current.focus();
    }
  };

  const why = (err: unknown): string => {
    if (!(err instanceof Problem)) throw err;
    if (err.status === 401) return t('login.denied');
    if (err.status === 429) return t('login.toomany', { seconds: err.retryAfter || 30 });
    return err.status === 0 ? t('login.network') : t('login.failed', { detail: err.detail });
  };

  return (
    <main className="la2-narrow" id="main" data-view="login">
      <form onSubmit={(e) => void submit(e)} noValidate className="la2-panel la2-login">
        <h1>{t('login.title')}</h1>
        <p className="la2-lead">{t('login.lead')}</p>
        {expired && <p className="la2-note"><Icon name="info" /> {t('login.expired')}</p>}
        <div role="alert">{error && <p className="la2-error big"><Icon name="warning" /> {error}</p>}</div>
        <Field label={t('login.user')}>
          {(p) => <input {...p} className="form-control" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus value={user} onChange={(e) => setUser(e.target.value)} />}
        </Field>
        <Field label={t('login.password')}>
          {(p) => <input {...p} ref={password} className="form-control" name="password" type="password" autoComplete="current-password" />}
        </Field>
        <Field label={t('login.device')} hint={t('login.device.hint')}>
          {(p) => <input {...p} className="form-control" name="device" autoComplete="off" inputMode="numeric" value={device ?? user} onChange={(e) => setDevice(e.target.value)} />}
        </Field>
        <Button color="primary" type="submit" aria-disabled={busy}>{busy ? t('login.busy') : t('login.submit')}</Button>
      </form>
    </main>
  );
}
