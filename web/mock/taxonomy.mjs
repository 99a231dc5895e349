// The 24 categories of the service; two topics each are enough for tests.
const names = ['Alimentazione', 'Ambiente', 'Arte e cultura', 'Casa', 'Cittadini e vita pubblica', 'Economia e Investimenti', 'Giustizia',
  'Istruzione e Formazione', 'Lavoro e carriere', 'Media e Informazione', 'Politica e Istituzioni', 'Politiche sociali', 'Previdenza',
  'Salute e benessere', 'Scienza, Tecnologia e Innovazione', 'Sicurezza', 'Sport e tempo libero', 'Tasse', 'Trasporti e infrastrutture',
  'Attività produttive e sviluppo economico', 'Agricoltura', 'Assetto del territorio', 'Caccia e Pesca', 'Turismo'];

export const taxonomy = names.map((name, i) => {
  const code = String(i + 1).padStart(2, '0');
  const topics = code === '13' ? ['Ricongiunzione dei contributi', 'Pensione di vecchiaia', 'Pensione ai superstiti']
    : [`${name}: informazioni generali`, `${name}: modulistica`];
  return { code, name, topics: topics.map((t, k) => ({ code: `${code}.${String(k + 1).padStart(2, '0')}`, name: t })) };
});
