// The files of the version before: a tab that still runs it starts workers and loads chunks whose names the host has
// no more. They stay where Workbox has put them until the next update; which ones they are is kept as a list in a cache
// of its own, so that one version is kept and not all there ever were.

/** Where the files are, and those of this version: their addresses, without and with what marks their revision. */
export interface Precached {
  readonly cacheName: string;
  readonly keyOf: ReadonlyMap<string, string>;
}

/** The one entry of the cache that holds the list; no file has this address. */
const LIST = './superseded';

/**
 * Lets go of what an earlier update has superseded, and of files that this version has under the same address; keeps
 * the others of the version before until the next update.
 */
export async function retire({ cacheName, keyOf }: Precached): Promise<void> {
  const cache = await caches.open(cacheName);
  const lists = await caches.open(`${cacheName}-superseded`);
  const listed = await lists.match(LIST);
  const earlier = new Set(listed ? ((await listed.json()) as string[]) : []);
  const current = new Set(keyOf.values());
  const kept: Request[] = [];
  for (const request of await cache.keys()) {
    if (current.has(request.url)) continue;
    if (earlier.has(request.url) || keyOf.has(plain(request.url))) await cache.delete(request);
    else kept.push(request);
  }
  try {
    await lists.put(LIST, Response.json(kept.map(({ url }) => url)));
  } catch {
    // No room even for the list, without which the next update would keep them again.
    for (const request of kept) await cache.delete(request);
  }
}

/** A file of this version or the one before, whatever search parameters it is asked for with. */
export async function matchAnyVersion({ cacheName, keyOf }: Precached, url: string): Promise<Response | undefined> {
  const cache = await caches.open(cacheName);
  const address = plain(url);
  const key = keyOf.get(address);
  return key === undefined ? cache.match(address, { ignoreSearch: true }) : cache.match(key);
}

/** The address without search parameters: neither a revision nor another try. */
function plain(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
