// Builds dist and writes into it what it was built from.

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { sourcesHash } from './sources.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
await build({ root, logLevel: 'info' });
writeFileSync(join(root, 'dist', '.sources'), `${sourcesHash(root)}\n`);
