// Where a version cannot be stored (no room, a file that does not come) the browser throws its service worker away and
// tells nobody. So the service worker tells the pages beforehand, and gives back the room that half a version takes.

import type { PrecacheController } from 'workbox-precaching';

/** Why this visit, or a new version, is not kept for use without a network. */
export type NotKept = 'no-room' | 'no-room-for-update' | 'failed' | 'refused';

/** From the service worker to the pages. */
interface NotKeptMessage {
  readonly type: 'NOT_KEPT';
  readonly why: NotKept;
}

/** What a message of the service worker says of this; null where it is about something else. */
export function notKeptIn(data: unknown): NotKept | null {
  const message = data as Partial<NotKeptMessage> | null;
  return message?.type === 'NOT_KEPT' ? (message.why ?? null) : null;
}

/** Fills the precache. Rejects where it cannot, which ends this service worker; the version before stays. */
export async function installOrTell(
  precache: PrecacheController,
  event: ExtendableEvent,
  { clients, registration }: Pick<ServiceWorkerGlobalScope, 'clients' | 'registration'>,
): Promise<void> {
  const cache = await caches.open(precache.strategy.cacheName);
  const before = new Set((await cache.keys()).map(({ url }) => url));
  try {
    await precache.install(event);
  } catch (error) {
    const isUpdate = registration.active !== null;
    const isFull = error instanceof Error && error.name === 'QuotaExceededError';
    // What has come of an interrupted install is not fetched again the next time.
    if (isFull) for (const request of await cache.keys()) if (!before.has(request.url)) await cache.delete(request);
    // The version before goes on working, and each visit tries again.
    if (isUpdate && !isFull) throw error;
    const message: NotKeptMessage = {
      type: 'NOT_KEPT',
      why: isFull ? (isUpdate ? 'no-room-for-update' : 'no-room') : 'failed',
    };
    for (const page of await clients.matchAll({ type: 'window', includeUncontrolled: true })) page.postMessage(message);
    throw error;
  }
}
