// `npm start`: installs what is missing, builds the page and serves it; `npm start -- --host` to other machines of the
// network too. Needs Node alone.

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { installPackages } from './support/install.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');

try {
  const { host } = parseArgs({ options: { host: { type: 'boolean', default: false } } }).values;
  installPackages(root);
  console.log('Building the page …');
  const build = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: root, stdio: 'inherit' });
  if (build.status !== 0) throw new Error('The build failed; its message is above.');

  const { preview } = await import('vite');
  // Vite takes the next free port where this one is in use. Names of this machine are as good as its addresses: what is
  // served is the page alone.
  const server = await preview({
    root,
    logLevel: 'warn',
    preview: { port: 4173, host, ...(host && { allowedHosts: true }) },
  });
  const address = server.resolvedUrls?.local[0];
  if (!address) throw new Error('The server has no address.');
  console.log(`\n  Pagoda is ready:  ${address}\n`);
  if (host) {
    const others = server.resolvedUrls?.network ?? [];
    console.log(
      others.length > 0 ? `  On other machines:  ${others.join('  ')}` : '  This machine has no address in a network.',
    );
    console.log(
      '  Over plain http browsers give no WebGPU, one thread and no storage; HTTPS in front of it lifts that.\n',
    );
  }
  console.log('  Open it in a browser. Ctrl+C stops it.\n');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
