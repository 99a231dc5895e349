import { Button } from 'design-react-kit';
import { useT } from '../i18n';

export function SecondTab({ onTake }: { onTake: () => void }) {
  const t = useT();
  return (
    <main className="la2-narrow" id="main">
      <h1>{t('tab.title')}</h1>
      <p>{t('tab.text')}</p>
      <Button color="primary" onClick={onTake}>{t('tab.take')}</Button>
    </main>
  );
}
