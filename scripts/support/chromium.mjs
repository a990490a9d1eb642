// Finds a Chrome or Chromium to test with: CHROME_PATH, then the PATH, then the places where installers put it.

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** @returns {string | null} the path of an executable; throws where CHROME_PATH is set and wrong */
export function findChromium() {
  const chosen = process.env['CHROME_PATH'];
  if (chosen) {
    if (isExecutable(chosen)) return chosen;
    throw new Error(`CHROME_PATH is set to ${chosen}, which is not an executable file.`);
  }
  return candidates().find(isExecutable) ?? null;
}

function candidates() {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const onPath = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  if (process.platform === 'darwin') {
    const apps = ['Google Chrome', 'Chromium'].map((name) => `${name}.app/Contents/MacOS/${name}`);
    return [
      ...apps.map((app) => `/Applications/${app}`),
      ...apps.map((app) => join(process.env['HOME'] ?? '', 'Applications', app)),
      ...onPath,
    ];
  }
  if (process.platform === 'win32') {
    const roots = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].map((name) => process.env[name]);
    return roots.flatMap((root) =>
      root ? ['Google\\Chrome', 'Chromium'].map((product) => join(root, product, 'Application', 'chrome.exe')) : [],
    );
  }
  return onPath;
}

function isExecutable(/** @type {string} */ path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
