// The job slice over whole stories of events: nothing is lost, and nothing stays stuck.

import { describe, expect, test } from 'vitest';
import type { EngineEvent, GpuState } from '../protocol/events';
import type { Pair } from '../protocol/pictureData';
import type { StepTrace } from '../protocol/runSteps';
import { announcementOf, progressText } from '../ui/words';
import { IDLE, asked, cancelled, chosen, reduce, showing, stepsShown, type Job } from './job';
import { DEFAULTS } from './settings';
import { eachImage } from './shownImages';

const pair: Pair = { withoutPag: null, withPag: { width: 1, height: 1, rgba: new Uint8ClampedArray(4) } };
const size = { width: 1, height: 1 };
const stats = {
  seconds: 1,
  unetRows: 1,
  rowsBeforeFork: 1,
  rowsAfterFork: 1,
  perturbedSites: [],
  keptWithoutPag: false,
};
const error = { code: 'device-lost', message: 'gone', detail: '' } as const;
const DEVICE = {
  backend: 'wasm',
  adapter: 'CPU',
  f16: false,
  threads: 1,
  limits: null,
  fallbackReason: null,
  wrongOperators: [],
} as const;
const SITES = [
  { name: 'a', comfyName: 'd0', block: 'down', heads: 1, tokens: 4, share: 1 },
  { name: 'b', comfyName: 'm0', block: 'mid', heads: 1, tokens: 4, share: 1 },
] as const;
const MODEL = {
  id: 'x',
  sites: SITES,
  latentShape: [4, 1, 1],
  sizes: { own: { width: 8, height: 8 }, multiple: 8, isFixed: false },
  predictionType: 'epsilon',
  bytes: 1,
  guidanceEmbedded: false,
  encodes: true,
  mostClipSkip: 1,
  readsPenultimate: false,
  sdxl: false,
  levels: 1,
  scheduler: {},
  notices: [],
} as const;
const run = (id: string) => ({ id, model: { id: 'some/model', revision: 'abc' }, ref: 'm', settings: DEFAULTS });
const after = (job: Job, ...events: EngineEvent[]) => events.reduce(reduce, job);

test('a run that is done leaves its pair', () => {
  const job = after(
    asked(IDLE, run('a')),
    { type: 'preview', runId: 'a', step: 1, pair, size },
    { type: 'done', runId: 'a', pair, stats },
  );
  expect(job).toMatchObject({ runs: [], progress: null, shown: { pair, stats }, lastEnd: 'done' });
});

test('what is waited for is said while something is under way, and what helps where the GPU is silent', () => {
  const waiting = { what: 'unet/model.onnx', seconds: 34, gpu: null } as const;
  const step = { type: 'progress', runId: 'a', phase: 'denoise', step: 2, steps: 9, secondsLeft: null } as const;
  const waits = (gpu: GpuState, seconds = 34) =>
    after(asked(IDLE, run('a')), step, { type: 'waiting', waiting: { ...waiting, seconds, gpu } });
  expect(progressText(waits(null))).toBe('Step 3 of 9 · waits for unet/model.onnx, 34 s');
  expect(progressText(waits('computing', 200))).toBe('Step 3 of 9 · the GPU has computed for 3 min');
  const silent = waits('silent');
  expect(progressText(silent)).toBe(
    'Step 3 of 9 · the GPU does not answer: waits for unet/model.onnx, 34 s. ' +
      'Cancel starts the engine anew; under Device it can run on the CPU',
  );
  expect(announcementOf(silent)).toBe('The GPU does not answer');
  expect(progressText(cancelled(silent))).toBe(
    'Cancelling… · the GPU does not answer: waits for unet/model.onnx, 34 s',
  );
  expect(progressText(after(silent, { type: 'waiting', waiting: null }))).toBe('Step 3 of 9');
  const ended = after(silent, { type: 'cancelled', runId: 'a' });
  expect(progressText(ended)).toBe('Cancelled');
  // What the run has left goes on waiting; nobody waits for that.
  const left = after(ended, { type: 'waiting', waiting });
  expect([progressText(left), announcementOf(left)]).toEqual(['Cancelled', 'Cancelled']);
});

test('a recipe of what was made around a mask says the size of that, and the picture’s beside it', () => {
  const made = { width: 31, height: 17, rgba: new Uint8ClampedArray(4 * 31 * 17) };
  const recipeOf = (maskArea: 'whole' | 'masked', mask?: string) =>
    after(
      asked(
        { ...IDLE, device: DEVICE, model: MODEL },
        { ...run('a'), settings: { ...DEFAULTS, maskArea }, start: 's', ...(mask !== undefined && { mask }) },
      ),
      { type: 'done', runId: 'a', pair: { withoutPag: null, withPag: made }, stats },
    ).shown?.recipe;
  const sizes = (recipe: ReturnType<typeof recipeOf>) => [recipe?.size.width, recipe?.settings.width];
  expect(sizes(recipeOf('masked', 'm'))).toEqual([31, 8]);
  expect(sizes(recipeOf('whole', 'm'))).toEqual([31, 31]);
  expect(sizes(recipeOf('masked'))).toEqual([31, 31]);
  expect(recipeOf('masked', 'm')?.mask).toBe('m');
});

test('the image without PAG of an earlier run is sent once, and stays through the run’s previews', () => {
  const left = { width: 2, height: 2, rgba: new Uint8ClampedArray(16) };
  const job = after(
    asked(IDLE, run('a')),
    { type: 'preview', runId: 'a', step: 1, pair: { ...pair, withoutPag: left }, size },
    { type: 'preview', runId: 'a', step: 2, pair, size },
  );
  expect(job.shown?.pair).toEqual({ withoutPag: left, withPag: pair.withPag });
  expect(job.shown?.pair.withoutPag).toBe(left);
  const next = after(
    asked(job, run('b')),
    { type: 'cancelled', runId: 'a' },
    { type: 'preview', runId: 'b', step: 1, pair, size },
  );
  expect(next.shown?.pair.withoutPag).toBeNull();
});

test.each<EngineEvent>([
  { type: 'error', runId: 'b', error },
  { type: 'cancelled', runId: 'b' },
])('the finished pair survives %j of the next run', (end) => {
  const first = after(asked(IDLE, run('a')), { type: 'done', runId: 'a', pair, stats });
  const job = after(
    asked(first, run('b')),
    { type: 'progress', runId: 'b', phase: 'denoise', step: 1, steps: 2, secondsLeft: 1 },
    { type: 'preview', runId: 'b', step: 1, pair: { ...pair }, size },
    end,
  );
  expect(job).toMatchObject({ runs: [], progress: null, shown: { stats } });
  expect(job.shown?.pair).toBe(pair);
  expect(job.error).toEqual(end.type === 'error' ? error : null);
});

test('the recipe of a finished pair is of its own run, model and device, whatever came since', () => {
  const own = { ...run('a'), settings: { ...DEFAULTS, prompt: 'own', layers: 'mid' } };
  const before = after(
    asked(asked(IDLE, own), run('b')),
    { type: 'device', device: DEVICE },
    { type: 'model-ready', model: MODEL },
    { type: 'preview', runId: 'a', step: 1, pair, size },
  );
  expect(before.shown?.recipe).toBeNull();
  const done = after(before, { type: 'done', runId: 'a', pair, stats: { ...stats, perturbedSites: ['b'] } });
  expect(done.shown?.recipe).toMatchObject({
    model: own.model,
    settings: { prompt: 'own', layers: 'mid' },
    size: { width: 1, height: 1 },
    sites: [{ name: 'b', comfyName: 'm0' }],
    backend: 'wasm',
    adapter: 'CPU',
  });
  expect(done.shown?.recipe?.settings).not.toHaveProperty('compare');
  expect(Object.values(done.shown?.recipe?.versions ?? {})).toEqual([expect.stringMatching(/^\d+\.\d+/)]);
});

test('asking again clears the error; waiting runs stay', () => {
  const failed = after(asked(asked(IDLE, run('a')), run('b')), { type: 'error', runId: 'a', error });
  expect(failed.runs.map(({ id }) => id)).toEqual(['b']);
  expect(asked(failed, run('c')).error).toBeNull();
});

test('an error while loading belongs to no run and ends none', () => {
  const job = after(
    asked(IDLE, run('a')),
    { type: 'loading', what: 'x', loadedBytes: 1, totalBytes: 2, secondsLeft: null },
    { type: 'error', runId: null, error },
  );
  expect(job).toMatchObject({ loading: null, error });
  expect(job.runs).toHaveLength(1);
});

describe('a run of several images', () => {
  const pairOf = (shade: number): Pair => ({
    withoutPag: null,
    withPag: { width: 1, height: 1, rgba: new Uint8ClampedArray([shade, 0, 0, 255]) },
  });
  const several = { ...run('a'), settings: { ...DEFAULTS, seed: 7, images: 3 } };
  const shades = ({ shown }: Job) => shown?.images?.all.map(({ pair: one }) => one?.withPag.rgba[0] ?? null);
  const first: EngineEvent = { type: 'preview', runId: 'a', step: 1, pair: pairOf(1), further: [pairOf(2)], size };
  const second: EngineEvent = { type: 'preview', runId: 'a', step: 1, pair: pairOf(3), image: 2, size };
  const made = (image: number): EngineEvent => ({ type: 'image', runId: 'a', image, pair: pairOf(4 + image), stats });
  const done: EngineEvent = { type: 'done', runId: 'a', stats: { ...stats, seconds: 9 } };

  test('shows each as it is made: the one that grows is large', () => {
    const begun = after(asked(IDLE, several), first);
    expect([shades(begun), begun.shown?.images?.chosen, begun.shown?.pair]).toEqual([[1, 2, null], 0, pairOf(1)]);
    const two = after(begun, made(0), made(1));
    expect([shades(two), two.shown?.images?.chosen, two.shown?.stats]).toEqual([[4, 5, null], 1, stats]);
    const on = reduce(two, second);
    expect([shades(on), on.shown?.images?.chosen, on.shown?.pair]).toEqual([[4, 5, 3], 2, pairOf(3)]);
    // What is finished is so already, and a preview is none.
    expect([on.shown?.stats, shades({ ...on, shown: on.finished })]).toEqual([null, [4, 5]]);
    const ended = after(on, made(2), done);
    expect([shades(ended), ended.shown?.images?.chosen, ended.finished]).toEqual([[4, 5, 6], 0, ended.shown]);
    expect([ended.shown?.stats?.seconds, chosen(ended, 1).shown?.stats?.seconds]).toEqual([9, 9]);
    expect(ended).toMatchObject({ runs: [], lastEnd: 'done', measured: { seconds: 9 } });
  });

  test('keeps the one that somebody has chosen, among those that can be seen', () => {
    const begun = chosen(after(asked(IDLE, several), first), 1);
    expect(begun.shown?.pair).toEqual(pairOf(2));
    expect(chosen(begun, 2)).toEqual(begun);
    const ended = after(begun, made(0), made(1), second, made(2), done);
    expect([ended.shown?.images?.chosen, ended.shown?.pair]).toEqual([1, pairOf(5)]);
    const other = chosen(ended, 2);
    expect([other.shown?.pair, other.finished]).toEqual([pairOf(6), other.shown]);
    // As many as were made before a cancel.
    const fewer = after(begun, made(0), { type: 'cancelled', runId: 'a' });
    expect(fewer).toMatchObject({ runs: [], lastEnd: 'cancelled', finished: fewer.shown });
    expect([fewer.shown?.images, fewer.shown?.pair]).toEqual([undefined, pairOf(4)]);
  });

  test.each([
    [[0], 'Images 2 to 3 of 3 could not be made; the other is finished and kept. gone'],
    [[0, 1], 'Image 3 of 3 could not be made; the others are finished and kept. gone'],
    [[0, 2], 'Image 2 of 3 could not be made; the others are finished and kept. gone'],
    [[1], 'Images 1 and 3 of 3 could not be made; the other is finished and kept. gone'],
    [[0, 1, 2], 'All 3 images are finished and kept. gone'],
    [[], 'gone'],
  ])('keeps those that were finished before an error (%j), which names the others', (finished, message) => {
    const last = after(asked(IDLE, run('z')), { type: 'done', runId: 'z', pair: pairOf(9), stats });
    const begun = after(asked(last, several), first, ...finished.map(made), second);
    const job = after(begun, { type: 'error', runId: 'a', error });
    expect(job).toMatchObject({ runs: [], error: { ...error, message }, finished: job.shown });
    const each = job.shown ? eachImage(job.shown) : [];
    const expected = finished.length > 0 ? finished.map((image) => pairOf(4 + image)) : [pairOf(9)];
    expect(each.map((one) => one.pair)).toEqual(expected);
    // Each has the same id whenever it is asked for.
    const ids = finished.map((image) => (image === 0 ? 'a' : `a.${image}`));
    expect(each.map(({ runId }) => runId)).toEqual(finished.length > 0 ? ids : ['z']);
  });

  test('brings them back where something else was looked at meanwhile', () => {
    const other = after(asked(IDLE, run('z')), { type: 'done', runId: 'z', pair: pairOf(9), stats });
    const begun = after(asked(other, several), first, made(0), made(1));
    const job = after(showing(begun, other.shown!), { type: 'error', runId: 'a', error });
    expect(shades(job)).toEqual([4, 5]);
  });

  test('gives each its own recipe: that of a run of its own seed', () => {
    const ready = { ...asked(IDLE, several), device: DEVICE, model: MODEL };
    const { shown } = chosen(after(ready, first, made(0), made(1), second, made(2), done), 1);
    expect(shown?.recipe).toMatchObject({ settings: { seed: 8 }, batch: { size: 3, position: 1 } });
    expect(shown?.images?.all.map(({ recipe }) => recipe?.settings.seed)).toEqual([7, 8, 9]);
    expect(shown && eachImage(shown).map(({ recipe, pair: one }) => [recipe?.settings.seed, one])).toEqual([
      [7, pairOf(4)],
      [8, pairOf(5)],
      [9, pairOf(6)],
    ]);
  });
});

const trace = (step: number) => ({ step }) as StepTrace;
const told = (runId: string, step: number): EngineEvent => ({ type: 'trace', runId, trace: trace(step) });

test('a pair has the steps of its run, and has them again when the next one is cancelled', () => {
  const preview = (runId: string): EngineEvent => ({ type: 'preview', runId, step: 1, pair, size });
  const first = after(asked(IDLE, run('a')), told('a', 0), preview('a'));
  expect(stepsShown(first)).toEqual([trace(0)]);
  const left = [{ of: 'withPag', latents: new Float32Array(1), states: [] }] as const;
  const done = after(first, told('a', 1), { type: 'done', runId: 'a', pair, left, stats });
  expect(stepsShown(done)).toEqual([trace(0), trace(1)]);
  expect([done.traces, done.shown?.left]).toEqual([null, left]);
  // Until a run shows something the last pair stays, and its steps.
  const next = after(asked(done, run('b')), told('b', 0));
  expect(stepsShown(next)).toEqual([trace(0), trace(1)]);
  expect(stepsShown(after(next, preview('b')))).toEqual([trace(0)]);
  const ended = after(next, preview('b'), { type: 'cancelled', runId: 'b' });
  expect(stepsShown(ended)).toEqual([trace(0), trace(1)]);
  expect(ended.traces).toBeNull();
});
