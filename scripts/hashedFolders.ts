// Files that the page reads by fixed names below `public`, the built-in model's and CLIP's merges, are built into a
// folder that is named by their content, as Vite names code. So a version of the page reads its own files or none:
// what it asks for on a host with another version is not there, and the service worker keeps both (pwa/superseded).

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const PUBLIC = fileURLToPath(new URL('../public/', import.meta.url));
const FOLDERS = ['models/pocket/', 'clip/'] as const;

type Folders = Readonly<Record<(typeof FOLDERS)[number], string>>;

/** Where each is, for the code: as it is in `public`, which the dev server serves. */
export const PLAIN_FOLDERS = mapped((folder) => folder);

function mapped(to: (folder: string) => string): Folders {
  return Object.fromEntries(FOLDERS.map((folder) => [folder, to(folder)])) as Folders;
}

/** `models/pocket/` → `models/pocket/1f…/`: what was below it lies one deeper. */
function withHash(folder: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(PUBLIC + folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  for (const file of files.sort()) hash.update(`${file.slice(PUBLIC.length)}\0`).update(readFileSync(file));
  return `${folder}${hash.digest('hex').slice(0, 12)}/`;
}

export function hashedFolders(): Plugin {
  const hashed = mapped(withHash);
  let out = '';
  return {
    name: 'pagoda:hashed-folders',
    apply: 'build',
    config: () => ({ define: { __PUBLIC_FOLDERS__: JSON.stringify(hashed) } }),
    configResolved: ({ build: { outDir }, root }) => {
      out = join(root, outDir);
    },
    // Vite has copied `public` by then.
    writeBundle() {
      for (const folder of FOLDERS) {
        const entries = readdirSync(join(out, folder));
        mkdirSync(join(out, hashed[folder]));
        for (const entry of entries) renameSync(join(out, folder, entry), join(out, hashed[folder], entry));
      }
    },
  };
}
