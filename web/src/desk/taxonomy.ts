import { useEffect, useState } from 'react';
import { taxonomy } from '../api/http';
import type { Category } from '../api/types';
import { useT } from '../i18n';

/** The categories with their topics; asked again until the node answers. */
export function useTaxonomy(): Category[] {
  const { lang } = useT();
  const [categories, setCategories] = useState<Category[]>([]);
  useEffect(() => {
    let stop = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      taxonomy(lang).then((list) => { if (!stop) setCategories(list); }, () => { if (!stop) timer = setTimeout(ask, 3000); });
    };
    ask();
    return () => {
      stop = true;
      clearTimeout(timer);
    };
  }, [lang]);
  return categories;
}
