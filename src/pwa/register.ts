// Registers the service worker, which makes the page work offline and, on hosts that send no headers, cross-
// origin isolated. An update is offered and never forced; it takes over when the user says so. What will not be there
// offline is told.

import { Workbox } from 'workbox-window';
import { notKeptIn, type NotKept } from './notKept';

export interface ServiceWorkerCallbacks {
  /**
   * A new version is ready, or another tab has started it. `apply` reloads the page into it; on the user's wish only.
   */
  readonly onUpdateReady: (apply: () => void) => void;
  /** Everything is stored: from now on the page works without a network. Told once, after the first visit. */
  readonly onOfflineReady: () => void;
  readonly onNotKept: (why: NotKept) => void;
  /** Whether a reload would lose nothing: no run under way, nothing made, no dialog open. */
  readonly isIdle: () => boolean;
}

/** Set once the page has reloaded itself in this tab, so that it cannot do so in a loop. */
const RELOADED = 'pagoda:reloaded-for-isolation';

/** Does nothing in development and on plain http, where there are no service workers. */
export async function registerServiceWorker(callbacks: ServiceWorkerCallbacks): Promise<void> {
  if (import.meta.env.DEV || !isSecureContext) return;
  try {
    await register(callbacks);
  } catch (error) {
    // As in some private windows, and where cookies are refused; a TypeError says that its script did not come.
    console.warn(error);
    callbacks.onNotKept(error instanceof TypeError && 'serviceWorker' in navigator ? 'failed' : 'refused');
  }
}

async function register(callbacks: ServiceWorkerCallbacks): Promise<void> {
  const { serviceWorker } = navigator;
  const workbox = new Workbox('./sw.js');
  let isWanted = false;
  /** Whether this page is of an older version than what takes over next. */
  let isOlder = serviceWorker.controller !== null;

  workbox.addEventListener('waiting', () => {
    isOlder = true;
    callbacks.onUpdateReady(() => {
      isWanted = true;
      void serviceWorker.getRegistration().then((registration) => {
        if (registration?.waiting) workbox.messageSkipWaiting();
        else location.reload();
      });
    });
  });
  serviceWorker.addEventListener('controllerchange', () => {
    if (isWanted) location.reload();
    // Another tab has let it take over; what this one still needs of its own version is kept (superseded.ts).
    else if (isOlder) callbacks.onUpdateReady(() => location.reload());
    isOlder = true;
  });
  serviceWorker.addEventListener('message', ({ data }) => {
    const why = notKeptIn(data);
    if (why) callbacks.onNotKept(why);
  });
  workbox.addEventListener('activated', ({ isUpdate, isExternal }) => {
    if (isUpdate === true || isExternal === true) return;
    if (!crossOriginIsolated && callbacks.isIdle() && isFirstReload()) location.reload();
    else callbacks.onOfflineReady();
  });
  await workbox.register();
}

/**
 * Only the service worker's answer carries the headers, so the first page of a first visit is not isolated and is
 * loaded once more: once in a tab, and never where that cannot be remembered (cookies refused, storage full).
 */
function isFirstReload(): boolean {
  try {
    if (sessionStorage.getItem(RELOADED) !== null) return false;
    sessionStorage.setItem(RELOADED, '1');
    return true;
  } catch {
    return false;
  }
}
