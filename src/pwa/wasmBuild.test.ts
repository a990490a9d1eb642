import { expect, it } from 'vitest';

import { entriesForBrowser } from './wasmBuild';

const urls = [
  'index.html',
  'assets/ort-wasm-simd-threaded.jspi-B3pLx0.wasm',
  'assets/ort-wasm-simd-threaded.jspi-Cc1_-x.mjs',
  'assets/ort-wasm-simd-threaded.asyncify-Dq9.wasm',
  'assets/ort-wasm-simd-threaded.asyncify-E-1.mjs',
];
const kept = (hasJspi: boolean) =>
  entriesForBrowser(
    urls.map((url) => ({ url })),
    hasJspi,
  ).map((entry) => entry.url);

it('keeps the build with JSPI where the browser has it', () => {
  expect(kept(true)).toEqual(urls.slice(0, 3));
});

it('keeps the asyncify build elsewhere', () => {
  expect(kept(false)).toEqual([urls[0], ...urls.slice(3)]);
});
