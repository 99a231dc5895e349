// The hash of what the build reads. web_test.go computes the same in Go.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

const sources = ['src', 'public', 'index.html', 'vite.config.ts', 'tsconfig.json', 'package.json', 'package-lock.json'];

/** All files under a path relative to root, with slashes. */
function walk(root, path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => walk(root, `${path}/${name}`));
}

/** SHA-256, in hex, over lines "sha256(file)  path" sorted by path bytes; tests are not built. */
export function sourcesHash(root) {
  const files = sources.flatMap((s) => walk(root, s)).filter((f) => !basename(f).includes('.test.'));
  files.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const sha = (data) => createHash('sha256').update(data).digest('hex');
  return sha(files.map((f) => `${sha(readFileSync(join(root, f)))}  ${f}\n`).join(''));
}
