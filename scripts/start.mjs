// npm start: install, build, serve, and say where.

import { execSync } from 'node:child_process';
import { ensurePackages } from './install.mjs';

process.chdir(new URL('..', import.meta.url).pathname);
ensurePackages();
execSync('npx vite build --logLevel warn', { stdio: 'inherit' });
const { preview } = await import('vite');
const server = await preview({ preview: { port: Number(process.env.PORT ?? 4173), host: 'localhost' } });
console.log(`\n  Pagoda is at ${server.resolvedUrls?.local[0]}\n  Ctrl+C stops it.\n`);
