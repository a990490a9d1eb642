// The model store's shelf over files, locks and a wire that the test holds: several tabs, reloads, and every way in
// which a fetch ends early. What it does in a real browser is in e2e/models.spec.ts.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Plan, StoredModel } from './libraryMessages';
import type { Manifest } from './opfs';
import { Shelf } from './shelf';
import type { MemoryFile } from './testing/memoryFiles';
import { MemoryFolder } from './testing/memoryFiles';
import { MemoryLocks, memoryChannels } from './testing/tabs';

const SIZE = 1000;
const bytes = (count: number, from = 0) => Uint8Array.from({ length: count }, (_, at) => (from + at) % 251);

/** A request for a file that the test answers. */
interface Asked {
  readonly path: string;
  readonly from: number;
  readonly signal: AbortSignal;
  /** So many bytes more come. */
  send(count: number): void;
  /** The connection breaks. */
  breakOff(): void;
}

let root: MemoryFolder;
let locks: MemoryLocks;
let asked: Asked[];
/** Statuses to answer with first. */
let refusals: number[];
/** Whether files come by themselves, or as the test sends them. */
let byHand: boolean;

function fetchFake(url: string, { headers, signal }: { headers: { Range: string }; signal: AbortSignal }) {
  signal.throwIfAborted();
  const from = Number(/\d+/.exec(headers.Range)?.[0]);
  let at = from;
  let body!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({ start: (controller) => void (body = controller) });
  signal.addEventListener('abort', () => {
    try {
      body.error(signal.reason);
    } catch {
      return; // closed already
    }
  });
  const request: Asked = {
    path: /\/resolve\/[^/]+\/(.+)$/.exec(url)?.[1] ?? url,
    from,
    signal,
    send: (count) => {
      body.enqueue(bytes(count, at));
      at += count;
      if (at >= SIZE) body.close();
    },
    breakOff: () => body.error(new TypeError('network error')),
  };
  asked.push(request);
  const status = refusals.shift() ?? 206;
  if (status !== 206) return Promise.resolve(new Response(null, { status }));
  if (!byHand) request.send(SIZE - from);
  return Promise.resolve(new Response(stream, { status, headers: { 'Content-Range': `bytes ${from}-/${SIZE}` } }));
}

const plan = (dir: string, ...paths: string[]): Plan => ({
  dir,
  name: `The ${dir}`,
  repo: `some/${dir}`,
  revision: 'main',
  commit: 'abc',
  hubUrl: 'https://hub.test',
  roles: {},
  files: paths.map((path) => ({ path, size: SIZE, hash: null })),
  bytes: SIZE * paths.length,
  unetConfig: {},
  graph: {} as Plan['graph'],
  what: null,
  licence: null,
});

/** As an earlier visit has left it: `there` bytes of its one file. */
async function stored(dir: string, there: number, changes: Partial<Manifest> = {}): Promise<void> {
  const { repo, revision, commit, name, hubUrl, roles, files } = plan(dir, 'unet.onnx');
  const manifest: Manifest = {
    format: 1,
    repo,
    revision,
    commit,
    name,
    hubUrl,
    roles,
    files,
    paused: false,
    ...changes,
  };
  await root.put(`models/${dir}/manifest.json`, JSON.stringify(manifest));
  await root.put(`models/${dir}/files/unet.onnx${there < SIZE ? '.part' : ''}`, bytes(there));
}

/** Bytes that there are of its one file that is not whole. */
function onDisk(dir: string): number {
  const folder = (root.children.get('models') as MemoryFolder).children.get(dir) as MemoryFolder;
  return ((folder.children.get('files') as MemoryFolder).children.get('unet.onnx.part') as MemoryFile).bytes.length;
}

/** A tab, with all the lists that its page was told. */
class Tab {
  readonly told: (readonly StoredModel[])[] = [];
  readonly shelf = new Shelf((models) => void this.told.push(models));

  get now(): readonly StoredModel[] {
    return this.told.at(-1) ?? [];
  }

  get states(): string {
    return this.now.map(({ dir, state, error }) => [dir, state, ...(error ? [error.code] : [])].join(' ')).join(', ');
  }
}

/** Lets everything under way go on, each turn `ms` later by the clock, until it has come to that. */
async function until(come: () => boolean, ms = 0): Promise<void> {
  while (!come()) {
    await vi.advanceTimersByTimeAsync(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Until everything has had its turn that had one. */
async function settled(): Promise<void> {
  let turns = 0;
  await until(() => (turns += 1) > 50);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  [root, locks, asked, refusals, byHand] = [new MemoryFolder(), new MemoryLocks(), [], [], false];
  vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.resolve(root) }, locks });
  vi.stubGlobal('self', { fetch: fetchFake });
  vi.stubGlobal('BroadcastChannel', memoryChannels());
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('no list is told before every folder is read; an unreadable one hides none, and can be discarded', async () => {
  await stored('a-unfinished', 300);
  await root.put('models/b-no-folder/manifest.json', JSON.stringify({ ...plan('b', 'x'), format: 1, paused: false }));
  await root.put('models/b-no-folder/files', 'a file in the place of a folder');
  await root.put('models/c-later/manifest.json', '{"format": 2}');
  await root.put('models/d-cut-off/manifest.json', '');
  await root.put('models/a-file', 'no folder at all');
  await stored('e-whole', SIZE);
  const tab = new Tab();
  await tab.shelf.open();
  await until(() => tab.states.includes('a-unfinished whole'));
  expect(new Set(tab.told.map((models) => models.map(({ dir }) => dir).join(' ')))).toEqual(
    new Set(['a-unfinished b-no-folder c-later e-whole']),
  );
  expect(tab.states).toBe(
    'a-unfinished whole, b-no-folder failed unreadable, c-later failed unreadable, e-whole whole',
  );
  await tab.shelf.remove('b-no-folder');
  await tab.shelf.remove('c-later');
  expect(tab.states).toBe('a-unfinished whole, e-whole whole');
  expect(root.paths().filter((path) => /models\/[bc]-/.test(path))).toEqual([]);
});

test('files that are refused as a whole are said, and asked for again at the next list', async () => {
  const real = navigator.storage.getDirectory;
  navigator.storage.getDirectory = () => Promise.reject(new DOMException('no', 'SecurityError'));
  await stored('a', SIZE);
  const tab = new Tab();
  await expect(tab.shelf.open()).rejects.toMatchObject({ name: 'SecurityError' });
  expect(tab.told).toEqual([]);
  await expect(tab.shelf.add(plan('b', 'unet.onnx'))).rejects.toMatchObject({
    code: 'storage',
    message: expect.stringContaining('then press Fetch again') as string,
  });
  navigator.storage.getDirectory = real;
  await tab.shelf.open();
  tab.shelf.changed();
  expect(tab.states).toBe('a whole');
});

test('a connection that breaks is waited for, and what comes then is the rest alone', async () => {
  byHand = true;
  const tab = new Tab();
  await tab.shelf.add(plan('a', 'unet.onnx'));
  for (const [at, part] of [100, 100, 100].entries()) {
    await until(() => asked.length > at, 100);
    asked[at]!.send(part);
    await until(() => onDisk('a') === part * (at + 1));
    if (at === 2) refusals.push(503, 503); // tries that bring nothing are counted
    asked[at]!.breakOff();
  }
  await until(() => tab.states === 'a waiting server', 100);
  await settled();
  expect(asked).toHaveLength(5);
  tab.shelf.wake();
  await until(() => asked.length === 6);
  asked[5]!.send(700);
  await until(() => tab.states === 'a whole');
  expect(asked.map(({ from }) => from)).toEqual([0, 100, 200, 300, 300, 300]);
  expect(tab.now[0]).toMatchObject({ fetchedBytes: SIZE, error: null, bytesPerSecond: null });
  expect(root.paths()).toEqual(['models/a/manifest.json', 'models/a/files/unet.onnx']);
});

test('without a nudge it tries again by itself', async () => {
  refusals.push(503, 503, 503);
  const tab = new Tab();
  await tab.shelf.add(plan('a', 'unet.onnx'));
  await until(() => tab.states === 'a waiting server', 100);
  await until(() => tab.states === 'a whole', 1000);
});

test('what needs the visitor ends the fetch; Resume asks for the rest', async () => {
  byHand = true;
  const tab = new Tab();
  await tab.shelf.add(plan('a', 'unet.onnx'));
  await until(() => asked.length === 1);
  asked[0]!.send(400);
  await until(() => onDisk('a') === 400);
  refusals.push(404);
  asked[0]!.breakOff();
  await until(() => tab.states === 'a failed not-found', 100);
  expect(tab.now[0]).toMatchObject({ fetchedBytes: 400 });
  expect(locks.count('pagoda-model:a')).toBe(0);
  await tab.shelf.resume('a');
  expect(tab.states).toBe('a fetching');
  await until(() => asked.length === 3);
  asked[2]!.send(600);
  await until(() => tab.states === 'a whole');
  expect(asked.map(({ from }) => from)).toEqual([0, 400, 400]);
});

test('a pause outlives a reload; what the end of a page cut off goes on', async () => {
  byHand = true;
  const tab = new Tab();
  await tab.shelf.add(plan('paused', 'unet.onnx'));
  await until(() => asked.length === 1);
  await tab.shelf.pause('paused');
  await until(() => locks.count('pagoda-model:paused') === 0);
  expect(asked[0]!.signal.aborted).toBe(true);
  await stored('cut-off', 300);
  const reloaded = new Tab();
  await reloaded.shelf.open();
  await until(() => asked.length === 2);
  await settled();
  expect(reloaded.states).toBe('paused paused, cut-off fetching');
  expect(asked.map(({ from }) => from)).toEqual([0, 300]);
});

test('Pause and Resume in quick turn leave one fetch under way', async () => {
  byHand = true;
  const tab = new Tab();
  await tab.shelf.add(plan('a', 'unet.onnx'));
  await until(() => asked.length === 1);
  for (const act of ['pause', 'resume', 'resume', 'pause', 'resume'] as const) await tab.shelf[act]('a');
  await settled();
  const open = asked.filter(({ signal }) => !signal.aborted);
  expect([tab.states, open.length]).toEqual(['a fetching', 1]);
  open[0]!.send(SIZE);
  await until(() => tab.states === 'a whole');
  expect(locks.count('pagoda-model:a')).toBe(0);
});

test('one that is deleted while it is fetched is gone, and nothing of it comes back', async () => {
  byHand = true;
  const tab = new Tab();
  await tab.shelf.add(plan('a', 'unet.onnx', 'vae.onnx'));
  await until(() => asked.length === 2);
  asked[0]!.send(500);
  await tab.shelf.remove('a');
  expect(tab.now).toEqual([]);
  await settled();
  expect(tab.now).toEqual([]);
  expect(root.paths()).toEqual([]);
  await tab.shelf.add(plan('a', 'unet.onnx'));
  await until(() => asked.length === 3);
  asked[2]!.send(SIZE);
  await until(() => tab.states === 'a whole');
  expect(asked[2]!.from).toBe(0);
});

test('one that cannot be deleted now is not called under way, and can be resumed', async () => {
  byHand = true;
  const tab = new Tab();
  await tab.shelf.add(plan('a', 'unet.onnx'));
  await until(() => asked.length === 1);
  const models = root.children.get('models') as MemoryFolder;
  models.held = true;
  await expect(tab.shelf.remove('a')).rejects.toMatchObject({ name: 'NoModificationAllowedError' });
  await settled();
  expect(tab.states).toBe('a paused');
  await tab.shelf.resume('a');
  await until(() => asked.length === 2);
  asked[1]!.send(SIZE);
  await until(() => tab.states === 'a whole');
});

test('of two tabs one fetches; the other says so, and has it when it is whole', async () => {
  byHand = true;
  const [first, second] = [new Tab(), new Tab()];
  await first.shelf.add(plan('a', 'unet.onnx'));
  await until(() => asked.length === 1);
  await second.shelf.open();
  await until(() => second.states === 'a failed busy');
  expect(asked).toHaveLength(1);
  asked[0]!.send(SIZE);
  await until(() => first.states === 'a whole' && second.states === 'a whole');
});

test('one tab deletes what another fetches', async () => {
  byHand = true;
  const [first, second] = [new Tab(), new Tab()];
  await first.shelf.add(plan('a', 'unet.onnx'));
  await until(() => asked.length === 1);
  asked[0]!.send(100);
  await second.shelf.open();
  await second.shelf.remove('a');
  await until(() => first.now.length === 0 && second.now.length === 0);
  await settled();
  expect(root.paths()).toEqual([]);
});

test('what an earlier visit has fetched does not count as speed, nor is it taken back while it is hashed', async () => {
  byHand = true;
  await stored('a', 600);
  const tab = new Tab();
  await tab.shelf.open();
  await until(() => asked.length === 1);
  expect(asked[0]!.from).toBe(600);
  for (const [count, there] of [
    [10, 610],
    [20, 630],
    [20, 650],
  ] as const) {
    await vi.advanceTimersByTimeAsync(1000);
    asked[0]!.send(count);
    await until(() => onDisk('a') === there);
  }
  expect(tab.now[0]).toMatchObject({ fetchedBytes: 650, bytesPerSecond: 20 });
  const fetched = tab.told.map(([model]) => model!.fetchedBytes);
  expect(fetched[0]).toBe(600);
  expect(fetched).toEqual(fetched.toSorted((a, b) => a - b));
});
