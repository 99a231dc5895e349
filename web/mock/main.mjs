// `npm run mock [PORT]`: a node that rings whoever is ready every 15 seconds.
// Answers after 4 s, hangs up after 60 s.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Mock } from './server.mjs';

const mock = new Mock({ dist: join(dirname(fileURLToPath(import.meta.url)), '..', 'dist') });
console.log(`${await mock.listen(Number(process.argv[2] ?? 18080))}  user 1001, password demo-1001`);

let n = 0;
setInterval(() => {
  const free = [...mock.agents].find(([, a]) => a.state === 'ready');
  if (free === undefined) return;
  const call = mock.ring(free[0], n++ % 2 === 0 ? {} : { withheld: true, from: 'c_b180', cls: 'transfer', topic: '' });
  setTimeout(() => { if (mock.calls.get(call)?.state === 'ringing') mock.answer(call); }, 4000);
  setTimeout(() => { if (['talking', 'held'].includes(mock.calls.get(call)?.state)) mock.end(call); }, 60_000);
}, 15_000);
