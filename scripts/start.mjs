// `npm start`: installs what is missing, builds the page and serves it. Needs Node alone.

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { installPackages } from './support/install.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');

try {
  installPackages(root);
  console.log('Building the page …');
  const build = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: root, stdio: 'inherit' });
  if (build.status !== 0) throw new Error('The build failed; its message is above.');

  const { preview } = await import('vite');
  // Vite takes the next free port where this one is in use.
  const server = await preview({ root, logLevel: 'warn', preview: { port: 4173 } });
  const address = server.resolvedUrls?.local[0];
  if (!address) throw new Error('The server has no address.');
  console.log(`\n  Pagoda is ready:  ${address}\n\n  Open it in a browser. Ctrl+C stops it.\n`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
