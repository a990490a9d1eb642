// Installing what tests need on Debian and its kin, where this process may do so (root). It uses the package
// sources that the machine is set up with; backports come from the same mirror, for one call only.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = '/etc/apt';

export function canUseApt() {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** e.g. `bookworm`; '' where unknown. */
export function distributionCodename() {
  try {
    return /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** @returns {boolean} whether apt-get succeeded */
export function aptInstall(/** @type {string[]} */ packages, /** @type {string[]} */ options = []) {
  console.log(`Installing ${packages.join(', ')} (apt-get) …`);
  return apt(['update', '-q']) && apt(['install', '-q', '-y', '--no-install-recommends', ...options, ...packages]);
}

/** Installs from `<codename>-backports`; the source that it adds is removed again. */
export function aptInstallFromBackports(/** @type {string[]} */ packages) {
  const codename = distributionCodename();
  const source = findSource(codename);
  if (!source) return false;
  const suite = `${codename}-backports`;
  const file = join(SOURCES, 'sources.list.d', 'pagoda-backports.list');
  writeFileSync(file, `deb ${source.options}${source.uri} ${suite} main\n`);
  try {
    return aptInstall([...packages, 'ca-certificates'], ['-t', suite]);
  } finally {
    rmSync(file);
  }
}

function apt(/** @type {string[]} */ args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', args, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0;
}

/**
 * The mirror that the machine takes `codename` itself from, in either notation of apt's sources.
 * @returns {{ uri: string, options: string } | null} `options` as in a one-line entry, with its space
 */
function findSource(/** @type {string} */ codename) {
  const folder = join(SOURCES, 'sources.list.d');
  const names = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  for (const path of [join(SOURCES, 'sources.list'), ...names].filter((name) => existsSync(name))) {
    const text = readFileSync(path, 'utf8');
    const found = path.endsWith('.sources') ? fromStanzas(text, codename) : fromLines(text, codename);
    if (found) return found;
  }
  return null;
}

function fromLines(/** @type {string} */ text, /** @type {string} */ codename) {
  for (const line of text.split('\n')) {
    const [, options, uri, suite] = /^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s/.exec(line) ?? [];
    if (uri && suite === codename) return { uri, options: options ?? '' };
  }
  return null;
}

function fromStanzas(/** @type {string} */ text, /** @type {string} */ codename) {
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (/** @type {string} */ name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(stanza)?.[1]?.trim() ?? '';
    const [uri] = field('URIs').split(/\s+/);
    const signedBy = field('Signed-By');
    if (uri && field('Suites').split(/\s+/).includes(codename)) {
      return { uri, options: signedBy.startsWith('/') ? `[signed-by=${signedBy}] ` : '' };
    }
  }
  return null;
}
