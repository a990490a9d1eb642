// Finds a Chrome or Chromium, or installs Debian's where that can be done without asking.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** Path of the browser, null where there is none. CHROME_PATH goes first. */
export function findBrowser() {
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [process.env.CHROME_PATH, ...onPath, ...PLACES].find((path) => path && existsSync(path)) ?? null;
}

/** Whether `apt-get install` works here. */
export function canInstall() {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

export function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** A browser's path; installs Debian's chromium where needed and possible. */
export function ensureBrowser() {
  const found = findBrowser();
  if (found) return found;
  if (!canInstall()) {
    throw new Error('The end-to-end tests need Chrome or Chromium. Install one, or name it in CHROME_PATH.');
  }
  console.log('Installing chromium for the end-to-end tests …');
  apt('update');
  apt('install', '-y', '--no-install-recommends', 'chromium');
  return findBrowser();
}

/** Debian's release name, '' elsewhere. */
export function debianRelease() {
  const file = '/etc/os-release';
  return existsSync(file) ? (/^VERSION_CODENAME=(\w+)/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '') : '';
}
