// A Vulkan driver for Dawn in Node. Debian 12's own Mesa is too old for it, so there lavapipe comes from
// backports. Without any driver the GPU tests skip loudly; they never pass unseen.

import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apt, canInstall, debianRelease } from './browser.mjs';

const DRIVERS = '/usr/share/vulkan/icd.d';
const SOURCES = '/etc/apt/sources.list.d';

export function hasVulkan() {
  return Boolean(process.env.VK_ICD_FILENAMES) || (existsSync(DRIVERS) && readdirSync(DRIVERS).some((name) => name.startsWith('lvp_icd')));
}

export function ensureVulkan() {
  if (process.platform !== 'linux' || hasVulkan() || !canInstall()) return;
  console.log('Installing Mesa’s software Vulkan driver for the GPU tests …');
  try {
    if (debianRelease() === 'bookworm') installFromBackports();
    else {
      apt('update');
      apt('install', '-y', '--no-install-recommends', 'mesa-vulkan-drivers');
    }
  } catch (error) {
    console.warn(`No Vulkan driver could be installed (${error.message}). The GPU tests use Chromium’s, or skip.`);
  }
}

/** Through a sources file of its own that is taken away again, on the mirror that the machine uses already. */
function installFromBackports() {
  const list = join(SOURCES, 'pagoda-backports.list');
  writeFileSync(list, `deb ${mirror()} bookworm-backports main\n`);
  try {
    apt('update');
    apt('install', '-y', '--no-install-recommends', '-t', 'bookworm-backports', 'mesa-vulkan-drivers');
  } finally {
    rmSync(list);
  }
}

function mirror() {
  const files = ['/etc/apt/sources.list', ...readdirSync(SOURCES).map((name) => join(SOURCES, name))].filter((path) => existsSync(path));
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const found = /^URIs:\s*(\S+\/debian\/?)\s*$/m.exec(text) ?? /^deb\s+(?:\[[^\]]*\]\s+)?(\S+\/debian\/?)\s+bookworm\s/m.exec(text);
    if (found) return found[1];
  }
  throw new Error('no Debian mirror is configured');
}
