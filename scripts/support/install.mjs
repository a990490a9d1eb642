// Makes sure that node_modules is what package-lock.json says. Uses nothing but Node, since it runs before
// anything is installed.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Runs `npm ci` in `root` where packages are missing or of another version. Throws if that fails. */
export function installPackages(/** @type {string} */ root) {
  if (isInstalled(root)) return;
  console.log('Installing packages (npm ci) …');
  const npm = process.env['npm_execpath'];
  const args = ['ci', '--no-audit', '--no-fund'];
  const { status } = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) throw new Error('npm ci failed; its message is above.');
}

/** Whether every package of the lock file is installed; optional ones may be absent (other platforms' binaries). */
function isInstalled(/** @type {string} */ root) {
  const wanted = readLock(join(root, 'package-lock.json'));
  const present = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = present[path];
    return found ? found.version === entry.version : entry.optional === true;
  });
}

/** @returns {Record<string, { version?: string, optional?: boolean }> | null} null where there is no such file */
function readLock(/** @type {string} */ path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return null;
  }
}
