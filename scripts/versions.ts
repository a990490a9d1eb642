// What recipes say about versions, put into the code when it is built: Pagoda's own, and those of the libraries that
// compute, as installed.

import { readFileSync } from 'node:fs';

const LIBRARIES = ['onnxruntime-web'];

function versionOf(packageFile: string): string {
  const { version } = JSON.parse(readFileSync(new URL(`../${packageFile}`, import.meta.url), 'utf8')) as { version: string };
  return version;
}

/** For Vite's and Vitest's `define`. */
export const VERSIONS: Readonly<Record<'__APP_VERSION__' | '__LIBRARY_VERSIONS__', string>> = {
  __APP_VERSION__: JSON.stringify(versionOf('package.json')),
  __LIBRARY_VERSIONS__: JSON.stringify(Object.fromEntries(LIBRARIES.map((name) => [name, versionOf(`node_modules/${name}/package.json`)]))),
};
