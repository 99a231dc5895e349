// Fails when dist was built from other sources than these.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourcesHash } from './sources.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
let built = '';
try {
  built = readFileSync(join(root, 'dist', '.sources'), 'utf8').trim();
} catch {
  // no dist: the same advice
}
if (built !== sourcesHash(root)) {
  console.error('web/dist was built from other sources: run `make web` and commit web/dist');
  process.exit(1);
}
