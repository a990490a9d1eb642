// The page's store with its real client over workers that the test plays: whatever becomes of an engine, settings and
// pictures stay, nothing waits for ever, and the next Generate works.

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { EngineErrorCode } from '../protocol/errors';
import type { ModelInfo } from '../protocol/loaded';
import type { Pair } from '../protocol/pictureData';
import type { GenerateRequest } from '../protocol/requests';
import { FakeWorker } from '../protocol/testing/fakeWorker';
import { IDLE } from './job';
import { useModels } from './models';
import { useStore } from './store';

const { workers, locks } = vi.hoisted(() => {
  const made: FakeWorker[] = [];
  const queued = new Map<string, () => void>();
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('window', { addEventListener: () => {} });
  vi.stubGlobal('navigator', {
    locks: {
      request: (name: string, granted: () => void) => (queued.set(name, granted), Promise.resolve()),
    },
  });
  return { workers: made, locks: queued };
});

const image = () => ({ width: 1, height: 1, rgba: new Uint8ClampedArray(4) });
const pair = (): Pair => ({ withoutPag: image(), withPag: image() });
const stats = {
  seconds: 1,
  unetRows: 1,
  rowsBeforeFork: 1,
  rowsAfterFork: 1,
  perturbedSites: [],
  keptWithoutPag: false,
};
const sizes = { own: { width: 2, height: 2 }, multiple: 2, isFixed: false };
const info = (id: string) => ({ id, sizes }) as ModelInfo;

const state = () => useStore.getState();
const job = () => state().job;
const worker = () => workers.at(-1)!;
const runId = (at = 0) => job().runs[at]!.id;
const progress = (id: string) =>
  ({ type: 'progress', runId: id, phase: 'denoise', step: 3, steps: 20, secondsLeft: 4 }) as const;
const loading = { type: 'loading', what: 'Loading the model', loadedBytes: 1, totalBytes: 9, secondsLeft: 3 } as const;

/** A run in its middle, with a preview shown over the pair of an earlier one. */
function midRun(): { finished: Pair; id: string } {
  state().generate();
  worker().says({ type: 'alive', locked: true });
  const finished = pair();
  worker().says({ type: 'done', runId: runId(), pair: finished, stats });
  state().generate();
  const id = runId();
  worker().says(progress(id));
  worker().says({ type: 'preview', runId: id, step: 3, pair: pair(), size: image() });
  return { finished, id };
}

/** Nothing runs, nothing is shown as if it did, and Generate leads to a picture again. */
function expectReady(): void {
  expect(job()).toMatchObject({ runs: [], progress: null, loading: null, cancelling: false });
  state().generate();
  expect(job()).toMatchObject({ error: null });
  const [sent] = worker()
    .got.filter(({ type }) => type === 'generate')
    .slice(-1) as [GenerateRequest];
  expect([sent.runId, sent.settings]).toEqual([runId(), state().settings]);
  const next = pair();
  worker().says({ type: 'done', runId: runId(), pair: next, stats });
  expect(job()).toMatchObject({ runs: [], lastEnd: 'done' });
  expect(job().shown?.pair).toBe(next);
}

// The client keeps one timer for all tests.
beforeAll(() => {
  vi.useFakeTimers();
  vi.stubGlobal(
    'Worker',
    class extends FakeWorker {
      constructor() {
        super();
        workers.push(this);
      }
    },
  );
});
afterEach(() => {
  // An idle client holds its worker over tests: end it as the browser would.
  for (const one of workers) one.fails('the test is over');
  workers.length = 0;
  locks.clear();
  useStore.setState({ job: IDLE });
  useModels.setState(useModels.getInitialState());
});
afterAll(() => {
  vi.useRealTimers();
});

/** Which errors leave the worker in doubt, so that it is replaced. */
const CODES: Readonly<Record<EngineErrorCode, 'kept' | 'replaced'>> = {
  'model-missing': 'kept',
  'runtime-failed': 'replaced',
  'version-gone': 'replaced',
  'model-invalid': 'kept',
  'lora-invalid': 'kept',
  'embedding-invalid': 'kept',
  'layers-not-found': 'kept',
  'pag-impossible': 'kept',
  'start-impossible': 'kept',
  'schedule-impossible': 'kept',
  'shader-compile': 'kept',
  'session-build': 'kept',
  'run-failed': 'replaced',
  'does-not-fit': 'kept',
  'not-finite': 'kept',
  'device-lost': 'replaced',
  'out-of-memory': 'replaced',
  'gpu-refused': 'replaced',
  'worker-crashed': 'replaced',
  internal: 'replaced',
};

test.each(Object.entries(CODES) as [EngineErrorCode, string][])(
  '%s in a run: settings and the finished pair stay, the worker is %s, the next run works',
  (code, becomes) => {
    state().change({ prompt: `own ${code}`, pagScale: 2.25 });
    const { finished, id } = midRun();
    const before = state().settings;
    const error = { code, message: 'What happened.', detail: 'd' };
    if (code === 'worker-crashed') worker().fails('gone');
    else worker().says({ type: 'error', runId: id, error });
    expect(job().error).toMatchObject(code === 'worker-crashed' ? { code } : error);
    expect(job().shown?.pair).toBe(finished);
    expect(state().settings).toBe(before);
    const used = workers.length;
    expectReady();
    expect(workers.length - used).toBe(becomes === 'replaced' ? 1 : 0);
  },
);

test('a worker that dies in a run, another waiting, ends both and says so once; the next has both pictures', () => {
  const { finished } = midRun();
  state().generate();
  expect(job().runs).toHaveLength(2);
  const settings = state().settings;
  locks.values().next().value!();
  expect(workers[0]!.ended).toBe(true);
  expect(job().error).toMatchObject({
    code: 'worker-crashed',
    message: expect.stringContaining('Your settings and images are safe') as string,
  });
  expect(job().shown?.pair).toBe(finished);
  expect(state().settings).toBe(settings);
  expectReady();
  expect(workers).toHaveLength(2);
});

test('one that stops answering is replaced too, though nobody says that it died', () => {
  const { finished } = midRun();
  worker().hears = false;
  for (let second = 0; second < 600 && job().error === null; second += 1) vi.advanceTimersByTime(1000);
  expect(job().error).toMatchObject({ code: 'worker-crashed' });
  expect(job().shown?.pair).toBe(finished);
  expectReady();
});

test('Cancel while the model loads is heard at once, and ends when the worker has heard it', () => {
  state().generate();
  worker().says({ type: 'alive', locked: true });
  worker().says(loading);
  expect(job().loading).toMatchObject({ loadedBytes: 1 });
  state().cancel();
  expect(job().cancelling).toBe(true);
  const id = runId();
  expect(worker().types).toContain(`cancel ${id}`);
  worker().says({ ...loading, loadedBytes: 2 });
  worker().says({ type: 'cancelled', runId: id });
  expect(job()).toMatchObject({ lastEnd: 'cancelled', error: null });
  expectReady();
  expect(workers).toHaveLength(1);
});

test('Cancel that the loading worker does not hear ends it', () => {
  state().generate();
  worker().says({ type: 'alive', locked: true });
  worker().says(loading);
  worker().hears = false;
  state().cancel();
  for (let second = 0; second < 60 && job().runs.length > 0; second += 1) vi.advanceTimersByTime(1000);
  expect(job()).toMatchObject({ lastEnd: 'cancelled', error: null });
  expect(workers[0]!.ended).toBe(true);
  expectReady();
});

test('of many requests one waits, the newest; Cancel ends both, and what the replaced ones say is nobody’s', () => {
  state().generate();
  worker().says({ type: 'alive', locked: true });
  const first = runId();
  worker().says(progress(first));
  const replaced: string[] = [];
  for (let at = 0; at < 12; at += 1) {
    state().change({ seed: at });
    state().generate();
    replaced.push(runId(1));
  }
  expect(
    job()
      .runs.map(({ settings }) => settings.seed)
      .slice(1),
  ).toEqual([11]);
  for (const id of replaced.slice(0, -1)) worker().says({ type: 'cancelled', runId: id });
  expect(job().runs.map(({ id }) => id)).toEqual([first, replaced.at(-1)]);
  expect(job()).toMatchObject({ progress: { step: 3 }, lastEnd: null });
  const done = pair();
  worker().says({ type: 'done', runId: first, pair: done, stats });
  expect(job().runs).toHaveLength(1);
  state().generate();
  state().cancel();
  expect(job().runs.map(({ id }) => id)).toEqual([replaced.at(-1)]);
  for (const id of [replaced.at(-1)!, 'nobody']) worker().says({ type: 'cancelled', runId: id });
  expect(job().shown?.pair).toBe(done);
  expectReady();
});

test('of models chosen one after the other the last counts: its runs, its errors; the others’ are none', () => {
  const choose = (name: string) =>
    useModels.setState({
      choice: {
        name,
        ref: { kind: 'opfs', id: `opfs:${name}`, dir: name, clipUrl: '' },
        usual: null,
        config: null,
        origin: null,
      },
    });
  choose('first');
  worker().says({ type: 'alive', locked: true });
  worker().says(loading);
  choose('second');
  choose('third');
  state().generate();
  const id = runId();
  expect(worker().types).toBe(`load opfs:first, load opfs:second, load opfs:third, generate ${id}`);
  expect(job().runs[0]!.model).toMatchObject({ id: 'third' });
  worker().says({ type: 'load-ended', loadId: 1 });
  worker().says({ type: 'model-ready', model: info('opfs:third') });
  worker().says(progress(id));
  // The choice of a fourth, in the middle of the run, is none of the run's; what was said of the third is not said of
  // the fourth, what was chosen for the picture is.
  state().change({ prediction: 'v_prediction', terminalSnr: 'zero', clipSkip: 2 });
  choose('fourth');
  expect(state().settings).toMatchObject({ prediction: 'model', terminalSnr: 'model', clipSkip: 2 });
  const shown = pair();
  worker().says({ type: 'done', runId: id, pair: shown, stats });
  expect(job().shown?.pair).toBe(shown);
  worker().says({
    type: 'error',
    runId: null,
    error: { code: 'model-invalid', message: 'The fourth is broken.', detail: '' },
  });
  expect(job().error).toMatchObject({ code: 'model-invalid' });
  expect(job().shown?.pair).toBe(shown);
  expectReady();
  expect(workers).toHaveLength(1);
});
