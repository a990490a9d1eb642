// Installs the npm packages where they are missing or older than the lock file.

import { execSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

export function ensurePackages() {
  const installed = 'node_modules/.package-lock.json';
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync('package-lock.json').mtimeMs) return;
  console.log('Installing packages …');
  execSync('npm ci --no-audit --no-fund', { stdio: 'inherit' });
}
