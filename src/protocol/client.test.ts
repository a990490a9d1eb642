// The page's end of the wire, with workers that do what the test says and a clock that the test moves.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DEFAULTS } from '../store/settings';
import { EngineClient } from './client';
import type { EngineErrorData } from './errors';
import type { EngineEvent, Waiting } from './events';
import { FakeWorker } from './testing/fakeWorker';

const model = (id: string) => ({ kind: 'url', id, baseUrl: '/', bytes: {}, encoder: null }) as const;
const pixels = { width: 1, height: 1, rgba: new Uint8ClampedArray(4) };
const done = (runId: string): EngineEvent => ({
  type: 'done',
  runId,
  pair: { withoutPag: null, withPag: pixels },
  stats: { seconds: 1, unetRows: 1, rowsBeforeFork: 1, rowsAfterFork: 1, perturbedSites: [], keptWithoutPag: false },
});

let workers: FakeWorker[];
let again: boolean[];
let locks: Map<string, () => void>;
let heard: string[];
let waits: (Waiting | null)[];

function client({ hasLocks = true, why = null as EngineErrorData | null } = {}): EngineClient {
  const made = new EngineClient({
    spawn: (_, another) => {
      const worker = new FakeWorker();
      workers.push(worker);
      again.push(another);
      return worker as unknown as Worker;
    },
    explain: () => Promise.resolve(why),
    locks: hasLocks
      ? {
          request: ((name: string, granted: () => void) => (
            locks.set(name, granted), Promise.resolve()
          )) as unknown as LockManager['request'],
        }
      : undefined,
  });
  made.subscribe((event) => {
    if (event.type === 'waiting') {
      waits.push(event.waiting);
      return;
    }
    heard.push(
      [event.type, 'runId' in event ? event.runId : null, event.type === 'error' ? event.error.code : null]
        .filter((part) => part !== null)
        .join(' '),
    );
  });
  return made;
}

const worker = (index = workers.length - 1) => workers[index]!;
const seconds = (count: number) => vi.advanceTimersByTime(1000 * count);

beforeEach(() => {
  vi.useFakeTimers();
  [workers, again, heard, waits, locks] = [[], [], [], [], new Map()];
});
afterEach(() => {
  vi.useRealTimers();
});

test('a worker that dies is noticed by its lock, at once, and the next run starts another', () => {
  const engine = client();
  engine.generate('1', model('a'), DEFAULTS);
  worker().says({ type: 'alive', locked: true });
  worker().says({ type: 'busy', busy: true });
  locks.values().next().value?.();
  expect(heard).toEqual(['error 1 worker-crashed']);
  expect(worker().ended).toBe(true);
  engine.generate('2', model('a'), DEFAULTS);
  expect(workers.map(({ types }) => types)).toEqual(['generate 1', 'generate 2']);
  // The first one's lock says nothing of the second.
  locks.values().next().value?.();
  expect(heard).toEqual(['error 1 worker-crashed']);
});

test.each([true, false])('silence tells, but not while ONNX Runtime may hold the thread (locks: %s)', (hasLocks) => {
  const engine = client({ hasLocks });
  engine.generate('1', model('a'), DEFAULTS);
  worker().says({ type: 'alive', locked: hasLocks });
  seconds(300);
  expect(heard).toEqual([]);
  worker().says({ type: 'busy', busy: true });
  worker().hears = false;
  seconds(3600);
  expect(heard).toEqual([]);
  worker().says({ type: 'busy', busy: false });
  seconds(50);
  expect(heard).toEqual([]);
  seconds(20);
  expect(heard).toEqual(['error 1 worker-crashed']);
});

test('with nothing open no pings are sent', () => {
  const engine = client();
  engine.generate('1', model('a'), DEFAULTS);
  worker().says({ type: 'alive', locked: true });
  seconds(60);
  worker().says(done('1'));
  const pings = () => worker().got.filter(({ type }) => type === 'ping').length;
  const before = pings();
  seconds(60);
  expect(pings()).toBe(before);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  [false, 5],
  [true, 30],
])('a cancel that is not heard ends the worker (busy: %s)', (busy, patience) => {
  const engine = client();
  engine.generate('1', model('a'), DEFAULTS);
  engine.generate('2', model('a'), DEFAULTS);
  worker().says({ type: 'alive', locked: true });
  worker().says({ type: 'busy', busy });
  worker().hears = false;
  engine.cancel('1');
  seconds(patience);
  expect(heard).toEqual([]);
  seconds(2);
  expect(heard).toEqual(['cancelled 1']);
  // What was not to end goes on in another.
  expect(workers.map(({ types, ended }) => [types, ended])).toEqual([
    ['generate 1, generate 2, cancel 1', true],
    ['generate 2', false],
  ]);
  worker().says(done('2'));
  expect(heard).toEqual(['cancelled 1', 'done 2']);
});

test('a cancel that is heard and ends nothing, as where a GPU does not come back, ends the worker', () => {
  const engine = client();
  engine.generate('1', model('a'), DEFAULTS);
  engine.generate('2', model('a'), DEFAULTS);
  worker().says({ type: 'alive', locked: true });
  seconds(600);
  engine.cancel('1');
  seconds(10);
  expect([heard, worker().ended]).toEqual([[], false]);
  seconds(2);
  expect(heard).toEqual(['cancelled 1']);
  expect(workers.map(({ types, ended }) => [types, ended])).toEqual([
    ['generate 1, generate 2, cancel 1', true],
    ['generate 2', false],
  ]);
});

test.each([
  ['has said nothing', 'silent', 15],
  ['has not been done with its queue', 'computing', 60],
] as const)('where the GPU %s for long a cancel ends the worker at once', (_what, gpu, long) => {
  const engine = client();
  const stuck = { what: 'unet/model.onnx', seconds: long - 1, gpu };
  engine.generate('1', model('a'), DEFAULTS);
  worker().says({ type: 'alive', locked: true });
  worker().says({ type: 'waiting', waiting: { ...stuck, seconds: 600, gpu: 'idle' } });
  worker().says({ type: 'waiting', waiting: stuck });
  engine.cancel('1');
  expect(heard).toEqual([]);
  worker().says({ type: 'cancelled', runId: '1' });
  // What was left waits still, and so does the next run.
  engine.generate('2', model('a'), DEFAULTS);
  worker().says({ type: 'waiting', waiting: { ...stuck, seconds: long } });
  engine.cancel('2');
  expect([heard, workers.map(({ ended }) => ended)]).toEqual([['cancelled 1', 'cancelled 2'], [true]]);
  // The next one knows nothing of it.
  engine.generate('3', model('a'), DEFAULTS);
  engine.cancel('3');
  expect([heard.length, worker().ended]).toEqual([2, false]);
});

test('a thread that is held for long is told, and that it is free again', () => {
  const engine = client();
  engine.generate('1', model('a'), DEFAULTS);
  worker().says({ type: 'busy', busy: true });
  worker().hears = false;
  seconds(20);
  expect(waits).toEqual([]);
  seconds(2);
  expect(waits).toEqual([20, 21].map((held) => ({ what: 'ONNX Runtime', seconds: held, gpu: null })));
  worker().says({ type: 'busy', busy: false });
  expect(waits.at(-1)).toBe(null);
});

test('a run that waits is cancelled in its turn: the one before it goes on', () => {
  const engine = client();
  engine.generate('1', model('a'), DEFAULTS);
  engine.generate('2', model('a'), DEFAULTS);
  worker().says({ type: 'alive', locked: true });
  engine.cancel('2');
  seconds(600);
  expect([heard, worker().ended]).toEqual([[], false]);
  worker().says(done('1'));
  worker().says({ type: 'cancelled', runId: '2' });
  expect(heard).toEqual(['done 1', 'cancelled 2']);
});

test('a load that never ends makes way for a run of another model that is cancelled behind it', () => {
  const engine = client();
  engine.load(model('a'), DEFAULTS);
  worker().says({ type: 'alive', locked: true });
  engine.generate('1', model('b'), DEFAULTS);
  seconds(600);
  expect([heard, worker().ended]).toEqual([[], false]);
  engine.cancel('1');
  seconds(12);
  expect([heard, worker().ended]).toEqual([['cancelled 1'], true]);
});

test('a model whose files hold the worker makes way for another', () => {
  const engine = client();
  engine.load(model('hangs'), DEFAULTS);
  worker().says({ type: 'alive', locked: true });
  worker().hears = false;
  engine.load(model('built in'), DEFAULTS);
  engine.generate('1', model('built in'), DEFAULTS);
  seconds(7);
  expect(workers.map(({ types }) => types)).toEqual([
    'load hangs, load built in, generate 1',
    'load built in, generate 1',
  ]);
  expect(heard).toEqual([]);
});

test('a run of the model that is being loaded has patience with it', () => {
  const engine = client();
  engine.load(model('a'), DEFAULTS);
  worker().says({ type: 'alive', locked: true });
  worker().hears = false;
  engine.generate('1', model('a'), DEFAULTS);
  seconds(30);
  expect(workers).toHaveLength(1);
});

test('after an error that taints the worker it is replaced, and every open run ends with it', () => {
  const engine = client();
  engine.generate('1', model('a'), DEFAULTS);
  engine.generate('2', model('a'), DEFAULTS);
  worker().says({ type: 'error', runId: '1', error: { code: 'runtime-failed', message: '', detail: '' } });
  expect(heard).toEqual(['error 1 runtime-failed', 'error 2 runtime-failed']);
  engine.generate('3', model('a'), DEFAULTS);
  worker().says({ type: 'error', runId: '3', error: { code: 'model-invalid', message: '', detail: '' } });
  expect(workers.map(({ ended }) => ended)).toEqual([true, false]);
});

test('a script that does not start says why, and is asked for under another address', async () => {
  const engine = client({ why: { code: 'version-gone', message: '', detail: '' } });
  engine.load(model('a'), DEFAULTS);
  worker().fails('');
  engine.generate('1', model('a'), DEFAULTS);
  await vi.advanceTimersByTimeAsync(0);
  expect(heard).toEqual(['error version-gone']);
  worker().says({ type: 'alive', locked: true });
  worker().fails('out of memory');
  expect(heard).toEqual(['error version-gone', 'error 1 worker-crashed']);
  engine.generate('2', model('a'), DEFAULTS);
  expect(again).toEqual([false, true, false]);
});

const LATENTS = { dims: [1, 1, 1], halves: new Uint16Array(1) } as const;
const never = new AbortController().signal;

test('a picture of latents is asked for, is no longer wanted, or fails with its worker', async () => {
  const engine = client();
  await expect(engine.decode('a', LATENTS, never)).rejects.toMatchObject({ code: 'worker-crashed' });
  expect(workers).toHaveLength(0);
  engine.load(model('a'), DEFAULTS);
  const abort = new AbortController();
  const [first, second] = [engine.decode('a', LATENTS, never), engine.decode('a', LATENTS, abort.signal)];
  abort.abort();
  expect(await engine.decode('a', LATENTS, abort.signal)).toBeNull();
  const ids = worker().got.flatMap((request) => (request.type === 'decode' ? [request.decodeId] : []));
  expect(worker().types).toBe(`load a, decode ${ids[0]}, decode ${ids[1]}, end-decode ${ids[1]}`);
  worker().says({ type: 'decoded', decodeId: ids[0]!, picture: pixels });
  worker().says({ type: 'decoded', decodeId: ids[1]!, picture: null });
  expect([await first, await second]).toEqual([pixels, null]);
  const refused = engine.decode('a', LATENTS, never);
  const says = (code: EngineErrorData['code']) =>
    worker().says({
      type: 'decoded',
      decodeId: worker()
        .got.flatMap((request) => (request.type === 'decode' ? [request.decodeId] : []))
        .at(-1)!,
      picture: { code, message: '', detail: '' },
    });
  says('not-finite');
  await expect(refused).rejects.toMatchObject({ code: 'not-finite' });
  expect([heard, worker().ended]).toEqual([[], false]);
  // What leaves the worker in doubt replaces it, and is told.
  const [lost, other] = [engine.decode('a', LATENTS, never), engine.decode('a', LATENTS, never)];
  says('device-lost');
  await expect(other).rejects.toMatchObject({ code: 'device-lost' });
  await expect(lost).rejects.toMatchObject({ code: 'worker-crashed' });
  expect([heard, worker().ended]).toEqual([['error device-lost'], true]);
});
