// What is kept of earlier versions over several updates, with a fake of the browser's caches.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { matchAnyVersion, retire } from './superseded';

const SITE = 'https://host.test/pagoda/';
const NAME = 'precache';
let caches: Map<string, Map<string, string>>;
let isFull: boolean;

const open = (name: string) => {
  const entries = caches.get(name) ?? new Map<string, string>();
  caches.set(name, entries);
  const address = (key: string | { url: string }) => new URL(typeof key === 'string' ? key : key.url, SITE).href;
  const bare = (url: string) => url.replace(/\?.*/, '');
  return Promise.resolve({
    keys: () => Promise.resolve([...entries.keys()].map((url) => ({ url }))),
    delete: (key: string | { url: string }) => Promise.resolve(entries.delete(address(key))),
    put: async (key: string, body: Response) => {
      if (isFull) throw new DOMException('Quota exceeded.', 'QuotaExceededError');
      entries.set(address(key), await body.text());
    },
    match: (key: string, { ignoreSearch = false } = {}) => {
      const url = [...entries.keys()].find((it) => it === address(key) || (ignoreSearch && bare(it) === address(key)));
      return Promise.resolve(url === undefined ? undefined : new Response(entries.get(url)));
    },
  });
};

beforeEach(() => {
  [caches, isFull] = [new Map(), false];
  vi.stubGlobal('caches', { open });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/**
 * Stores a version, as Workbox does at the install, and lets it take over; `path?revision` is a file with a revision.
 */
async function update(...files: readonly string[]) {
  const keys = files.map((file) => SITE + file);
  const cache = caches.get(NAME) ?? new Map<string, string>();
  caches.set(NAME, cache);
  for (const key of keys) cache.set(key, key);
  const version = { cacheName: NAME, keyOf: new Map(keys.map((key) => [key.replace(/\?.*/, ''), key])) };
  await retire(version);
  return async (path: string) => (await (await matchAnyVersion(version, SITE + path))?.text())?.slice(SITE.length);
}
const stored = () => [...(caches.get(NAME) ?? [])].map(([url]) => url.slice(SITE.length)).sort();

it('keeps what the version before had and the new one has not, until the next update', async () => {
  await update('index.html?1', 'worker-1.js', 'model.onnx?1', 'dropped.json?1');
  const answer = await update('index.html?2', 'worker-2.js', 'model.onnx?1');
  expect(stored()).toEqual(['dropped.json?1', 'index.html?2', 'model.onnx?1', 'worker-1.js', 'worker-2.js']);
  expect(
    await Promise.all(
      ['index.html', 'worker-1.js', 'worker-1.js?again=x', 'worker-2.js?again=x', 'dropped.json', 'other.js'].map(
        answer,
      ),
    ),
  ).toEqual(['index.html?2', 'worker-1.js', 'worker-1.js', 'worker-2.js', 'dropped.json?1', undefined]);
  await update('index.html?3', 'worker-3.js', 'model.onnx?1');
  expect(stored()).toEqual(['index.html?3', 'model.onnx?1', 'worker-2.js', 'worker-3.js']);
});

it('takes a file up again that an earlier version had', async () => {
  await update('worker-1.js');
  await update('worker-2.js');
  await update('worker-1.js');
  expect(stored()).toEqual(['worker-1.js', 'worker-2.js']);
  await update('worker-3.js');
  expect(stored()).toEqual(['worker-1.js', 'worker-3.js']);
});

it('keeps nothing of it where there is no room to note it', async () => {
  await update('worker-1.js');
  isFull = true;
  await update('worker-2.js');
  expect(stored()).toEqual(['worker-2.js']);
});
