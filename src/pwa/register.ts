// Registers the service worker, which makes the page work offline and, on hosts that send no headers, cross-
// origin isolated. An update is offered and never forced; it takes over when the user says so.

import { Workbox } from 'workbox-window';

export interface ServiceWorkerCallbacks {
  /** A new version is ready. `apply` starts it and reloads the page; call it on the user's wish only. */
  readonly onUpdateReady: (apply: () => void) => void;
  /** Everything is stored: from now on the page works without a network. Told once, after the first visit. */
  readonly onOfflineReady: () => void;
  /** Whether a reload would lose nothing: no run under way, nothing made, no dialog open. */
  readonly isIdle: () => boolean;
}

/** Set once the page has reloaded itself in this tab, so that it cannot do so in a loop. */
const RELOADED = 'pagoda:reloaded-for-isolation';

/** Does nothing in development and in browsers without service workers. Rejects where registration fails. */
export async function registerServiceWorker(callbacks: ServiceWorkerCallbacks): Promise<void> {
  if (import.meta.env.DEV || !('serviceWorker' in navigator)) return;
  const workbox = new Workbox('./sw.js');
  const registration = navigator.serviceWorker.ready;

  workbox.addEventListener('waiting', () => {
    callbacks.onUpdateReady(() => {
      workbox.addEventListener('controlling', () => location.reload());
      void registration.then(({ waiting }) => {
        if (waiting !== null) workbox.messageSkipWaiting();
        // Another tab has let it take over: only this page is still the old version.
        else location.reload();
      });
    });
  });
  workbox.addEventListener('activated', (event) => {
    if (event.isUpdate === true) return;
    if (shouldReload(callbacks.isIdle)) {
      sessionStorage.setItem(RELOADED, '1');
      location.reload();
    } else {
      callbacks.onOfflineReady();
    }
  });
  await workbox.register();
}

/** Only the service worker's answer carries the headers, so the first page of a first visit is not isolated. */
function shouldReload(isIdle: () => boolean): boolean {
  return !crossOriginIsolated && sessionStorage.getItem(RELOADED) === null && isIdle();
}
