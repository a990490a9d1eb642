// Writes third-party-notices.txt beside the built page: Pagoda's licence, that of every package that some code of the
// page, its workers or its service worker comes from, and those of CLIP's vocabulary and of what the built-in model was
// trained on. A package's text is its own licence file, or licenses/NAME@VERSION.txt where it ships none or one that
// does not tell of all that it holds; a package without either fails the build. The service worker is built last and
// lists what is kept offline: its build writes the file. The dev server answers with the licences of the packages that
// package.json names.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin, Rolldown } from 'vite';

const FILE = 'third-party-notices.txt';
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const RULE = `\n\n${'='.repeat(80)}\n\n`;
const LICENSE_FILE = /^licen[cs]e(\.(md|txt))?$/i;
/** Vite's file goes on with the licences of what its own tools are made of, none of which comes into a page. */
const OF_TOOLS = /^# Licenses of bundled dependencies$[^]*/m;

/** The folder of the package that a module is of; null for one of Pagoda's own. */
function packageFolder(moduleId: string): string | null {
  const [, tool] = /^\0(vite|rolldown)\//.exec(moduleId) ?? [];
  if (tool !== undefined) return join(ROOT, 'node_modules', tool);
  const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(moduleId.replaceAll('\\', '/')) ?? [];
  return folder === undefined ? null : folder.startsWith('node_modules') ? join(ROOT, folder) : folder;
}

function licenseOf(folder: string, name: string, version: string): string {
  const kept = join(ROOT, 'licenses', `${name.replace('/', '+')}@${version}.txt`);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const file = readdirSync(folder).find((entry) => LICENSE_FILE.test(entry));
  if (file === undefined)
    throw new Error(`${name} ${version} ships no licence: put its text, and its notices, into ${kept}`);
  return readFileSync(join(folder, file), 'utf8').replace(OF_TOOLS, '');
}

/** One text, with each licence once however many packages have it. */
export function noticesOf(moduleIds: Iterable<string>): string {
  const titles = new Map<string, string[]>([[readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim(), ['Pagoda']]]);
  const folders = new Set([...moduleIds].map(packageFolder).filter((folder) => folder !== null));
  for (const folder of [...folders].sort()) {
    const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<'name' | 'version', string>;
    const text = licenseOf(folder, about.name, about.version).trim();
    titles.set(text, [...(titles.get(text) ?? []), `${about.name} ${about.version}`]);
  }
  titles.set(readFileSync(join(ROOT, 'licenses/clip.txt'), 'utf8').trim(), ['CLIP’s vocabulary']);
  titles.set(readFileSync(join(ROOT, 'licenses/built-in-model.txt'), 'utf8').trim(), ['The built-in model']);
  const parts = [...titles].map(([text, names]) => `${names.join('\n')}\n\n${text}`);
  // The mark tells browsers that it is UTF-8 where the host does not say so.
  return `\ufeff${parts.join(RULE)}\n`;
}

/** Where nothing is built, so that nobody knows yet what code the page will be made of. */
function noticesOfDependencies(): string {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return noticesOf(Object.keys(dependencies).map((name) => `node_modules/${name}/`));
}

/** `collect` is for the page and its workers, `write` for the service worker, which is built when those are. */
export function thirdPartyNotices(): Readonly<Record<'collect' | 'write' | 'serve', () => Plugin>> {
  const moduleIds = new Set<string>();
  const add = (bundle: Rolldown.OutputBundle) => {
    for (const output of Object.values(bundle)) {
      const ids = output.type === 'chunk' ? output.moduleIds : output.originalFileNames;
      for (const id of ids) moduleIds.add(id);
    }
  };
  return {
    collect: () => ({
      name: 'pagoda:collect-third-parties',
      apply: 'build',
      generateBundle: (_, bundle) => add(bundle),
    }),
    serve: () => ({
      name: 'pagoda:serve-third-party-notices',
      apply: 'serve',
      configureServer: ({ middlewares }) =>
        void middlewares.use(`/${FILE}`, (_, response) => {
          response.setHeader('Content-Type', 'text/plain');
          response.end(noticesOfDependencies());
        }),
    }),
    write: () => ({
      name: 'pagoda:third-party-notices',
      generateBundle(_, bundle) {
        add(bundle);
        this.emitFile({ type: 'asset', fileName: FILE, source: noticesOf(moduleIds) });
      },
    }),
  };
}
