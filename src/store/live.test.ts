// Live mode through the page's store and client, over a worker that the test plays: which settings start a run, when,
// and what becomes of the one that they outdate. Runs, cancels and waiting runs are counted as the worker hears them.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DeviceInfo, ModelInfo, SiteInfo } from '../protocol/loaded';
import type { Pair } from '../protocol/pictureData';
import type { GenerateRequest } from '../protocol/requests';
import { FakeWorker } from '../protocol/testing/fakeWorker';
import type { Settings } from '../settings/fields';
import { announcementOf } from '../ui/words';
import { IDLE } from './job';
import { liveOf } from './live';
import { useModels } from './models';
import { DEFAULTS } from './settings';
import { useStartImage } from './startImage';
import { useStore } from './store';

const { workers } = vi.hoisted(() => {
  const made: FakeWorker[] = [];
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('window', { addEventListener: () => {} });
  vi.stubGlobal('navigator', {});
  return { workers: made };
});

const state = () => useStore.getState();
const job = () => state().job;
const worker = () => workers.at(-1)!;
const sent = () => worker().got.filter((request): request is GenerateRequest => request.type === 'generate');
const cancels = () => worker().got.filter(({ type }) => type === 'cancel').length;
const scales = () => sent().map(({ settings }) => settings.pagScale);

const image = (edge = 1) => ({ width: edge, height: edge, rgba: new Uint8ClampedArray(4 * edge * edge) });
const pair = (): Pair => ({ withoutPag: image(2), withPag: image(2) });
const site = (name: string, comfyName: string): SiteInfo => ({
  name,
  comfyName,
  block: 'mid',
  heads: 1,
  tokens: 4,
  share: 1,
});
const MODEL = {
  id: 'pocket',
  sites: [site('mid_block.attentions.0.transformer_blocks.0.attn1', 'm0')],
  scheduler: {},
  guidanceEmbedded: false,
  sizes: { own: { width: 2, height: 2 }, multiple: 2, isFixed: false },
} as unknown as ModelInfo;
const SETTINGS: Settings = { ...DEFAULTS, steps: 10, pagScale: 2, layers: 'mid' };
/** Rows of the pair, and of the image with PAG alone, at these settings. */
const [PAIR, ALONE] = [3 + 9 * 5, 10 * 3];

const done = (seconds: number, unetRows = PAIR) => {
  const { id } = job().runs[0]!;
  const stats = { seconds, unetRows, rowsBeforeFork: 4, rowsAfterFork: 5, perturbedSites: [], keptWithoutPag: false };
  worker().says({ type: 'done', runId: id, pair: pair(), stats });
};

/** A pair that the button has made in so many seconds. */
function measured(seconds: number): void {
  state().change(SETTINGS);
  state().generate();
  worker().says({ type: 'model-ready', model: MODEL });
  done(seconds);
  worker().got.length = 0;
}

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
beforeEach(() => useStore.setState({ live: 'auto' }));
afterEach(() => {
  state().cancel();
  for (const one of workers) one.fails('the test is over');
  workers.length = 0;
  useStore.setState({ job: IDLE, settings: DEFAULTS });
  useModels.setState(useModels.getInitialState());
});
afterAll(() => {
  vi.useRealTimers();
});

test('at rest the first move starts a run within a blink, with what has moved until then', () => {
  measured(1);
  state().change({ pagScale: 3 });
  expect(sent()).toHaveLength(0);
  state().change({ pagScale: 3.5 });
  vi.advanceTimersByTime(50);
  expect([scales(), cancels(), job().runs.length]).toEqual([[3.5], 0, 1]);
  done(0.6, ALONE);
  vi.advanceTimersByTime(10_000);
  expect(sent()).toHaveLength(1);
});

test('while the hand moves a run goes on; what has moved follows as soon as it is done', () => {
  measured(1);
  for (let move = 1; move <= 20; move += 1) {
    state().change({ pagScale: move });
    vi.advanceTimersByTime(50);
    if (move % 4 === 0) done(0.2, ALONE);
  }
  // Done after the moves 4, 8, 12, 16 and 20; each next run has the newest scale.
  expect([scales(), cancels()]).toEqual([[1, 4, 8, 12, 16, 20], 0]);
});

test('when the hand rests the outdated run is ended; the newest waits, and never more than one', () => {
  measured(1);
  state().change({ pagScale: 3 });
  vi.advanceTimersByTime(50);
  for (const pagScale of [4, 5, 6]) {
    state().change({ pagScale });
    vi.advanceTimersByTime(200);
    expect(job().runs.map(({ settings }) => settings.pagScale)).toEqual([3, pagScale]);
  }
  // The running one is told again each time, and so is each that waited.
  expect([scales(), cancels(), job().cancelling]).toEqual([[3, 4, 5, 6], 1 + 2 + 2, false]);
  const [first, second, third, last] = sent().map(({ runId }) => runId) as [string, string, string, string];
  for (const runId of [first, second, third]) worker().says({ type: 'cancelled', runId });
  expect(job().runs.map(({ id }) => id)).toEqual([last]);
  done(0.6, ALONE);
  expect(job()).toMatchObject({ runs: [], lastEnd: 'done', shown: { settings: { pagScale: 6 } } });
});

test('what is moved back to the picture that is there ends the outdated run and starts none', () => {
  measured(1);
  state().change({ pagScale: 3 });
  vi.advanceTimersByTime(50);
  state().change({ pagScale: 2 });
  vi.advanceTimersByTime(1000);
  expect([scales(), cancels()]).toEqual([[3], 1]);
  worker().says({ type: 'cancelled', runId: sent()[0]!.runId });
  expect(job()).toMatchObject({ runs: [], shown: { settings: { pagScale: 2 } } });
  // To what is under way already, too.
  state().change({ pagScale: 3 });
  vi.advanceTimersByTime(50);
  state().change({ pagScale: 4 });
  state().change({ pagScale: 3 });
  vi.advanceTimersByTime(1000);
  expect([scales(), cancels()]).toEqual([[3, 3], 1]);
});

test('a prompt waits until its words are typed', () => {
  measured(1);
  for (const prompt of ['c', 'ca', 'cat']) {
    state().change({ prompt });
    vi.advanceTimersByTime(300);
  }
  expect(sent()).toHaveLength(0);
  vi.advanceTimersByTime(300);
  expect(sent().map(({ settings }) => settings.prompt)).toEqual(['cat']);
});

test('the pair that is there stays, without previews, until the next one comes at once', () => {
  measured(1);
  const shown = job().shown;
  state().change({ pagScale: 3 });
  vi.advanceTimersByTime(50);
  const { runId } = sent()[0]!;
  worker().says({ type: 'preview', runId, step: 1, pair: pair(), size: image(2) });
  expect(job().shown).toBe(shown);
  // Whoever presses the button wants to see it grow.
  done(0.6, ALONE);
  state().generate();
  worker().says({ type: 'preview', runId: job().runs[0]!.id, step: 1, pair: pair(), size: image(2) });
  expect(job().shown?.stats).toBeNull();
});

test('a run of seconds that was switched on shows its previews', () => {
  measured(8);
  state().setLive(true);
  state().change({ pagScale: 3 });
  vi.advanceTimersByTime(50);
  worker().says({ type: 'preview', runId: sent()[0]!.runId, step: 1, pair: pair(), size: image(2) });
  expect(job().shown?.stats).toBeNull();
});

test('it is said once, whatever the number of runs', () => {
  measured(1);
  expect(announcementOf(job())).toMatch(/^Done/);
  const said = new Set<string>();
  const listen = () => said.add(announcementOf(job()));
  for (const pagScale of [3, 4, 5]) {
    state().change({ pagScale });
    vi.advanceTimersByTime(50);
    listen();
    const runId = job().runs[0]!.id;
    worker().says({ type: 'progress', runId, phase: 'denoise', step: 5, steps: 10, secondsLeft: 1 });
    listen();
    done(0.6, ALONE);
    listen();
  }
  expect([...said]).toEqual(['The pictures follow the settings']);
});

test('a start image and a mask on it start a run, and each is counted with the steps that it leaves', () => {
  measured(1);
  worker().says({ type: 'device', device: { backend: 'wasm', adapter: 'CPU' } as DeviceInfo });
  const seconds = (fromImage: boolean) =>
    liveOf(state().live, { ...state().settings, strength: 0.55 }, job(), useModels.getState().choice.ref.id, fromImage)
      .seconds;
  expect(seconds(false)).toBeCloseTo(ALONE / PAIR, 9);
  // ⌊10 · 0.55⌋ of 10 steps.
  expect(seconds(true)).toBeCloseTo(ALONE / 2 / PAIR, 9);

  const start = { width: 2, height: 2, hash: 'a', rgb: new Blob([]) };
  const mask = { hash: 'm', gray: new Blob([]) };
  const begun = () => sent().map((request) => [request.start?.hash, request.start?.mask?.hash]);
  useStartImage.setState({ chosen: { name: 'a', image: start, url: '', notes: [] } });
  vi.advanceTimersByTime(50);
  expect(begun()).toEqual([['a', undefined]]);
  done(0.3, ALONE);
  useStartImage.getState().setMask(mask);
  vi.advanceTimersByTime(50);
  expect(begun().at(-1)).toEqual(['a', 'm']);
  done(0.3, ALONE);
  // What is shown of it is nothing that a run is made of.
  useStartImage.setState({ refused: 'b: no picture' });
  vi.advanceTimersByTime(1000);
  expect(begun()).toHaveLength(2);
  useStartImage.setState({ chosen: null });
  vi.advanceTimersByTime(50);
  expect(begun().slice(2)).toEqual([[undefined, undefined]]);
});

describe('it waits for the button', () => {
  const expectNone = () => {
    state().change({ pagScale: 3 });
    vi.advanceTimersByTime(10_000);
    expect(sent()).toHaveLength(0);
  };
  const live = () => liveOf(state().live, state().settings, job(), useModels.getState().choice.ref.id, false);

  test('where a moved slider is answered later than 1.5 s, and says what it takes', () => {
    measured((1.5 * PAIR) / ALONE + 0.1);
    expect(live()).toMatchObject({ on: false, waits: 'slow' });
    expect(live().seconds).toBeCloseTo(1.5 + (0.1 * ALONE) / PAIR, 9);
    expectNone();
    state().setLive(true);
    vi.advanceTimersByTime(50);
    expect([scales(), live().on]).toEqual([[3], true]);
  });

  test('where several images were asked for', () => {
    measured(1);
    state().change({ images: 2 });
    expect(live()).toMatchObject({ runs: false, waits: 'several' });
    expectNone();
  });

  test('where a larger picture would take too long, by its pixels', () => {
    measured(1);
    expect(live().seconds).toBeCloseTo(ALONE / PAIR, 9);
    state().change({ width: 4, height: 6 });
    expect(live()).toMatchObject({ runs: false, waits: 'slow' });
    expect(live().seconds).toBeCloseTo((6 * ALONE) / PAIR, 9);
    expectNone();
  });

  test('where a model is so large that none may start by itself, though switched on', () => {
    measured((10 * PAIR) / ALONE + 0.1);
    state().setLive(true);
    expect(live()).toMatchObject({ on: true, runs: false, waits: 'slow' });
    expectNone();
  });

  test('before a pair has been made, of this model and on this device', () => {
    state().setLive(true);
    state().change(SETTINGS);
    vi.advanceTimersByTime(10_000);
    expect([workers.length, live().waits]).toEqual([0, 'unknown']);
    measured(1);
    useModels.setState({
      choice: {
        name: 'o',
        ref: { kind: 'opfs', id: 'opfs:o', dir: 'o', clipUrl: '' },
        usual: null,
        config: null,
        origin: null,
      },
    });
    expect(live().waits).toBe('unknown');
    expectNone();
    useModels.setState(useModels.getInitialState());
    state().change({ backend: 'wasm' });
    expect(live().waits).toBe('unknown');
  });

  test('where it is switched off, which a reload keeps', () => {
    measured(1);
    state().setLive(false);
    expect(live()).toMatchObject({ on: false, waits: 'off' });
    expectNone();
  });

  test('where no run can be made of the settings, and after one that failed', () => {
    measured(1);
    state().change({ layers: 'd9' });
    expect(live().waits).toBe('impossible');
    expectNone();
    state().change({ layers: 'mid' });
    vi.advanceTimersByTime(50);
    const error = { code: 'not-finite', message: 'No picture is left.', detail: '' } as const;
    worker().says({ type: 'error', runId: sent()[0]!.runId, error });
    worker().got.length = 0;
    expect(live().waits).toBe('failed');
    state().change({ pagScale: 4 });
    vi.advanceTimersByTime(10_000);
    expect([sent().length, job().error]).toEqual([0, error]);
  });

  test('after Cancel, until something moves again', () => {
    measured(1);
    state().change({ pagScale: 3 });
    state().cancel();
    vi.advanceTimersByTime(10_000);
    expect(sent()).toHaveLength(0);
    state().change({ pagScale: 4 });
    vi.advanceTimersByTime(50);
    expect(scales()).toEqual([4]);
  });
});
