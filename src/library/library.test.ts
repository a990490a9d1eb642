// The page's end of the model store with a worker that the test plays: what it answers late, and what it dies of.

import { beforeEach, expect, test } from 'vitest';
import { EngineError } from '../protocol/errors';
import { Library } from './library';
import type { LibraryEvent, LibraryMessage } from './libraryMessages';

class FakeWorker {
  readonly heard: LibraryMessage[] = [];
  onmessage: ((event: { data: LibraryEvent }) => void) | null = null;
  onerror: ((event: { message: string; preventDefault: () => void }) => void) | null = null;
  ended = false;
  postMessage = (message: LibraryMessage) => void this.heard.push(message);
  terminate = () => {
    this.ended = true;
  };
  say = (data: LibraryEvent) => this.onmessage?.({ data });
  fail = () => this.onerror?.({ message: 'failed', preventDefault: () => {} });
}

let workers: FakeWorker[];
let spawned: boolean[];
let why: unknown;
let library: Library;
beforeEach(() => {
  [workers, spawned, why] = [[], [], null];
  library = new Library(() => {}, {
    spawn: (again) => {
      spawned.push(again);
      const worker = new FakeWorker();
      workers.push(worker);
      return worker as unknown as Worker;
    },
    explain: () => Promise.resolve(why),
  });
});

const last = () => workers.at(-1) as FakeWorker;
const repo = { repo: 'some/model', revision: 'main' };

test('a worker is made for the first request, and each answer goes to its own', async () => {
  expect(workers).toHaveLength(0);
  const first = library.ask({ type: 'list' });
  const second = library.ask({ type: 'check', dir: 'x' });
  last().say({ type: 'refused', id: 2, error: { code: 'network', message: 'no net', detail: 'd' } });
  last().say({ type: 'taken', id: 1, answer: null });
  await expect(first).resolves.toBeUndefined();
  await expect(second).rejects.toMatchObject({ code: 'network', message: 'no net', detail: 'd' });
  expect(workers).toHaveLength(1);
});

test('a lookup that is given up ends at once and is forgotten by the worker; its late answer is nobody’s', async () => {
  const abort = new AbortController();
  const given = library.inspect({ repo, hubUrl: 'https://hub', entry: null, file: null }, abort.signal);
  abort.abort();
  await expect(given).rejects.toMatchObject({ name: 'AbortError' });
  expect(last().heard.at(-1)).toEqual({ type: 'forget', id: 1 });
  const next = library.ask({ type: 'list' });
  last().say({ type: 'taken', id: 1, answer: null });
  last().say({ type: 'taken', id: 2, answer: null });
  await next;
});

test('a worker that cannot start ends all that waits; the next request starts another at a new address', async () => {
  const asked = [library.ask({ type: 'list' }), library.ask({ type: 'online' })];
  last().fail();
  for (const one of asked)
    await expect(one).rejects.toMatchObject({
      code: 'worker',
      message: expect.stringContaining('could not start') as string,
    });
  expect(last().ended).toBe(true);
  const again = library.ask({ type: 'list' });
  last().say({ type: 'taken', id: 3, answer: null });
  await again;
  expect(spawned).toEqual([false, true]);
});

test('one whose file is gone says that the page is of another version', async () => {
  why = new EngineError('version-gone', 'Pagoda has been updated.');
  const asked = library.ask({ type: 'list' });
  last().fail();
  await expect(asked).rejects.toMatchObject({ code: 'version-gone', message: 'Pagoda has been updated.' });
});

test('one that dies at work is not asked why it did not start, and is replaced', async () => {
  why = new EngineError('version-gone', 'never asked');
  const first = library.ask({ type: 'list' });
  last().say({ type: 'taken', id: 1, answer: null });
  await first;
  const cut = library.ask({ type: 'check', dir: 'x' });
  last().fail();
  await expect(cut).rejects.toMatchObject({ code: 'worker', message: expect.stringContaining('stopped') as string });
  void library.ask({ type: 'list' });
  expect(spawned).toEqual([false, false]);
});
