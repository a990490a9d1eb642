// The service worker. It keeps the page, the built-in model and the one wasm build that this browser uses
// (Workbox's precache, filled at install), answers from there first, and gives every answer the headers of
// cross-origin isolation and scripts their policy. A new version waits until the page asks for it: a run is never cut
// off.

import { PrecacheController, type PrecacheEntry } from 'workbox-precaching';

import { withIsolationHeaders } from './isolation';
import { installOrTell } from './notKept';
import { policyHeaders } from './policy';
import { isShareTarget, keepShared } from './shared';
import { matchAnyVersion, retire } from './superseded';
import { entriesForBrowser } from './wasmBuild';

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: readonly PrecacheEntry[] };

const precache = new PrecacheController();
precache.addToCacheList(entriesForBrowser(self.__WB_MANIFEST, 'Suspending' in WebAssembly));
const precached = { cacheName: precache.strategy.cacheName, keyOf: precache.getURLsToCacheKeys() };

self.addEventListener('install', (event) => {
  event.waitUntil(installOrTell(precache, event, self));
});

self.addEventListener('activate', (event) => {
  // What is left over is no reason to leave the pages to the version before.
  event.waitUntil(
    retire(precached)
      .catch(console.warn)
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('message', (event: ExtendableMessageEvent) => {
  if ((event.data as { type?: unknown } | null)?.type === 'SKIP_WAITING') event.waitUntil(self.skipWaiting());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { scope } = self.registration;
  if (isShareTarget(request, scope)) event.respondWith(keepShared(request, scope));
  if (request.method !== 'GET' || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(answer(request));
});

/** From what is stored, or else from the network. Every navigation to no file gets the one page there is. */
async function answer(request: Request): Promise<Response> {
  const page = request.mode === 'navigate' ? new URL('index.html', self.registration.scope).href : null;
  const stored = await matchAnyVersion(precached, request.url);
  const cached = stored ?? (page === null ? undefined : await matchAnyVersion(precached, page));
  return withIsolationHeaders(cached ?? (await fetch(request)), policyHeaders(new URL(request.url).pathname));
}
