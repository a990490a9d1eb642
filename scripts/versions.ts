// Facts of what is installed, put into the code when it is built: versions for recipes, Pagoda's own and those of the
// libraries that compute, how many bytes ONNX Runtime's files have, and where the page's own files lie.

import { readFileSync, readdirSync, statSync } from 'node:fs';

import { PLAIN_FOLDERS } from './hashedFolders.ts';

const LIBRARIES = ['onnxruntime-web'];

function versionOf(packageFile: string): string {
  const { version } = JSON.parse(readFileSync(new URL(`../${packageFile}`, import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

function runtimeBytes(): Record<string, number> {
  const dist = new URL('../node_modules/onnxruntime-web/dist/', import.meta.url);
  const names = readdirSync(dist).filter((name) => /\.(jspi|asyncify|webgpu)(\.min)?\.(mjs|wasm)$/.test(name));
  return Object.fromEntries(names.map((name) => [name, statSync(new URL(name, dist)).size]));
}

/** For Vite's and Vitest's `define`. */
export const VERSIONS: Readonly<
  Record<'__APP_VERSION__' | '__LIBRARY_VERSIONS__' | '__RUNTIME_BYTES__' | '__PUBLIC_FOLDERS__', string>
> = {
  __PUBLIC_FOLDERS__: JSON.stringify(PLAIN_FOLDERS),
  __RUNTIME_BYTES__: JSON.stringify(runtimeBytes()),
  __APP_VERSION__: JSON.stringify(versionOf('package.json')),
  __LIBRARY_VERSIONS__: JSON.stringify(
    Object.fromEntries(LIBRARIES.map((name) => [name, versionOf(`node_modules/${name}/package.json`)])),
  ),
};
