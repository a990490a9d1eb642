// What a click on "Update Pagoda" does, with a fake of Workbox's window: the tab that takes the update waits for the
// new version; a tab after it, where none waits any more, must reload all the same.

import { afterEach, expect, it, vi } from 'vitest';
import { registerServiceWorker } from './register';

const workbox = vi.hoisted(() => ({ listeners: new Map<string, (event: object) => void>(), skipped: 0 }));

vi.mock('workbox-window', () => ({
  Workbox: class {
    addEventListener = (type: string, listener: (event: object) => void) => workbox.listeners.set(type, listener);
    messageSkipWaiting = () => (workbox.skipped += 1);
    register = () => Promise.resolve();
  },
}));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

async function clickUpdate(waiting: object | null) {
  const reload = vi.fn();
  workbox.skipped = 0;
  vi.stubEnv('DEV', false);
  vi.stubGlobal('location', { reload });
  vi.stubGlobal('navigator', { serviceWorker: { ready: Promise.resolve({ waiting }) } });
  let apply = () => {};
  await registerServiceWorker({ onUpdateReady: (it) => (apply = it), onOfflineReady: () => {}, isIdle: () => true });
  workbox.listeners.get('waiting')?.({});
  apply();
  await Promise.resolve();
  await Promise.resolve();
  return reload;
}

it('starts the version that waits, and reloads once it has taken over', async () => {
  const reload = await clickUpdate({});
  expect([workbox.skipped, reload.mock.calls.length]).toEqual([1, 0]);
  workbox.listeners.get('controlling')?.({});
  expect(reload).toHaveBeenCalledOnce();
});

it('reloads at once where another tab has let the new version take over', async () => {
  const reload = await clickUpdate(null);
  expect(workbox.skipped).toBe(0);
  expect(reload).toHaveBeenCalledOnce();
});
