// What register.ts makes of what it hears of the service worker, with a fake of Workbox's window: updates taken here or
// in another tab, a first visit that is loaded once more, and browsers that refuse.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { NotKept } from './notKept';
import { registerServiceWorker } from './register';

type Listener = (event: object) => void;
const workbox = vi.hoisted(() => ({
  listeners: new Map<string, Listener>(),
  skipped: 0,
  register: () => Promise.resolve(),
}));

vi.mock('workbox-window', () => ({
  Workbox: class {
    addEventListener = (type: string, listener: Listener) => workbox.listeners.set(type, listener);
    messageSkipWaiting = () => (workbox.skipped += 1);
    register = () => workbox.register();
  },
}));

const reload = vi.fn();
const container = {
  controller: {} as object | null,
  waiting: {} as object | null,
  listeners: new Map<string, Listener>(),
  addEventListener: (type: string, listener: Listener) => container.listeners.set(type, listener),
  getRegistration: () => Promise.resolve({ waiting: container.waiting }),
};
let apply: (() => void) | null;
let told: (NotKept | 'kept')[];

beforeEach(() => {
  Object.assign(container, { controller: {}, waiting: {} });
  Object.assign(workbox, { skipped: 0, register: () => Promise.resolve() });
  [apply, told] = [null, []];
  reload.mockReset();
  vi.stubEnv('DEV', false);
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('crossOriginIsolated', false);
  vi.stubGlobal('location', { reload });
  vi.stubGlobal('navigator', { serviceWorker: container });
  vi.stubGlobal('console', { ...console, warn: () => {} });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  Reflect.deleteProperty(globalThis, 'sessionStorage');
});

const visit = () =>
  registerServiceWorker({
    onUpdateReady: (it) => (apply = it),
    onOfflineReady: () => told.push('kept'),
    onNotKept: (why) => told.push(why),
    isIdle: () => true,
  });
const click = async () => {
  apply?.();
  await Promise.resolve();
  await Promise.resolve();
};
const hear = (type: string, event: object = {}) =>
  (workbox.listeners.get(type) ?? container.listeners.get(type))?.(event);

it('starts the version that waits, and reloads once it has taken over', async () => {
  await visit();
  hear('waiting');
  await click();
  expect([workbox.skipped, reload.mock.calls.length]).toEqual([1, 0]);
  hear('controllerchange');
  expect(reload).toHaveBeenCalledOnce();
});

it('offers a version that another tab has let take over, and reloads at once', async () => {
  await visit();
  hear('controllerchange');
  expect(reload).not.toHaveBeenCalled();
  await click();
  expect([workbox.skipped, reload.mock.calls.length]).toEqual([0, 1]);
});

it('reloads where nothing waits any more when the click comes', async () => {
  await visit();
  hear('waiting');
  container.waiting = null;
  await click();
  expect([workbox.skipped, reload.mock.calls.length]).toEqual([0, 1]);
});

it('takes the first version that takes over for its own', async () => {
  container.controller = null;
  await visit();
  hear('controllerchange');
  expect(apply).toBeNull();
});

it('loads a first visit once more in a tab, and not where it cannot remember that', async () => {
  const kept = new Map<string, string>();
  const getItem = (key: string) => kept.get(key) ?? null;
  for (const [storage, reloads, says] of [
    [{ getItem, setItem: (key: string, value: string) => kept.set(key, value) }, 1, []],
    [{ getItem, setItem: () => {} }, 0, ['kept']],
    [null, 0, ['kept']],
  ] as const) {
    reload.mockReset();
    told = [];
    Object.defineProperty(globalThis, 'sessionStorage', {
      configurable: true,
      get: () => {
        if (storage) return storage;
        throw new DOMException('Access is denied for this document.', 'SecurityError');
      },
    });
    await visit();
    hear('activated');
    expect([reload.mock.calls.length, told]).toEqual([reloads, says]);
  }
});

it('says why it will not be there offline', async () => {
  await visit();
  hear('message', { data: { type: 'NOT_KEPT', why: 'no-room' } });
  hear('message', { data: null });
  workbox.register = () => Promise.reject(new DOMException('The operation is insecure.', 'SecurityError'));
  await visit();
  workbox.register = () => Promise.reject(new TypeError('Failed to register a ServiceWorker'));
  await visit();
  vi.stubGlobal('navigator', {});
  await visit();
  vi.stubGlobal('isSecureContext', false);
  await visit();
  expect(told).toEqual(['no-room', 'refused', 'failed', 'refused']);
});
