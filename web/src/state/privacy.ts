// What must not stand in the subject of a ticket, which travels between
// offices: a warning to the agent, never a refusal.

export type Personal = 'codice_fiscale' | 'iban' | 'email' | 'phone';

const patterns: [Personal, RegExp][] = [
  ['codice_fiscale', /\b[A-Z]{6}[\dLMNPQRSTUV]{2}[ABCDEHLMPRST][\dLMNPQRSTUV]{2}[A-Z][\dLMNPQRSTUV]{3}[A-Z]\b/i],
  ['iban', /\bIT\d{2} ?[A-Z](?: ?\d){10}(?: ?[A-Z0-9]){12}\b/i],
  ['email', /[^\s@]+@[^\s@]+\.[a-z]{2,}/i],
  ['phone', /(?<![\d])(?:\+|00)?(?:\d[ ./-]?){8,13}\d(?!\d)/],
];

/** The first kind of personal data that the text seems to hold. */
export function personalData(text: string): Personal | null {
  for (const [kind, pattern] of patterns) {
    if (pattern.test(text)) return kind;
  }
  return null;
}
