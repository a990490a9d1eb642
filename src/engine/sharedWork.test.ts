// What a load has begun goes on for the run behind it, and ends for everyone else.

import { expect, test } from 'vitest';
import { HANDED_OVER } from '../protocol/serve';
import { SharedWork } from './sharedWork';

/** Work that ends when it is told to, or is aborted; after an abort it needs a turn to put away its things. */
function work() {
  const log: string[] = [];
  let finish: (value: string) => void;
  const shared = new SharedWork(
    'key',
    (signal) =>
      new Promise<string>((resolve, reject) => {
        finish = resolve;
        signal.addEventListener('abort', () =>
          setTimeout(() => {
            log.push('put away');
            reject(signal.reason as Error);
          }, 0),
        );
      }),
    () => log.push('ended'),
  );
  return { shared, log, finish: (value: string) => finish(value) };
}

test('handed over, it goes on, and the next one gets what it gives', async () => {
  const { shared, log, finish } = work();
  const load = new AbortController();
  const first = shared.wait(load.signal);
  load.abort(HANDED_OVER);
  await expect(first).rejects.toBe(HANDED_OVER);
  const second = shared.wait(new AbortController().signal);
  finish('model');
  expect(await second).toBe('model');
  expect(log).toEqual(['ended']);
});

test('aborted, it ends, and whoever waited hears of it when all is put away', async () => {
  const { shared, log } = work();
  const run = new AbortController();
  const waiting = shared.wait(run.signal);
  run.abort();
  await expect(waiting).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  expect(log).toEqual(['put away', 'ended']);
});

test('one that comes with an abort ends what was handed over to it', async () => {
  const { shared, log } = work();
  const load = new AbortController();
  const first = shared.wait(load.signal);
  load.abort(HANDED_OVER);
  await expect(first).rejects.toBe(HANDED_OVER);
  await expect(shared.wait(AbortSignal.abort())).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  expect(log).toEqual(['put away', 'ended']);
});
