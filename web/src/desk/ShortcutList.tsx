import { useT, type Key } from '../i18n';
import { Dialog } from '../ui/Dialog';
import { shortcut, type Shortcut } from '../ui/shortcuts';

export function ShortcutList({ onClose }: { onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t('keys.title')} onClose={onClose} testId="shortcuts">
      <p>{t('keys.lead')}</p>
      <dl className="la2-keys">
        {(Object.keys(shortcut) as Shortcut[]).map((k) => (
          <div key={k}><dt><kbd>Alt+{shortcut[k]}</kbd></dt><dd>{t(`keys.${k}` as Key)}</dd></div>
        ))}
      </dl>
    </Dialog>
  );
}
