// The engine as the worker runs it, with ONNX Runtime's Node build in place of the browser's: what an error makes it
// forget, when it weighs a model, which image it keeps, and that runs and switches of models leave nothing behind.
// Sessions and Blobs are counted where they are made and released.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import type { CostsEvent, DoneEvent, EngineEvent, TraceEvent } from '../protocol/events';
import type { FolderModelRef } from '../protocol/modelRefs';
import type { GenerateRequest } from '../protocol/requests';
import type { StepLatents } from '../protocol/runSteps';
import { INITIAL, type Settings } from '../settings/fields';
import type { CpuBackend } from './cpuBackend';
import { Engine } from './engine';
import { countingBackend, type CountingBackend } from './testing/countingBackend';

const backends: CountingBackend[] = [];
vi.mock('./runtime', async () => {
  const { loadNodeRuntime } = await import('./testing/nodeRuntime');
  return { RUNTIME_BUILD: 'node', loadRuntime: loadNodeRuntime, runtimeBytes: () => ({}), threadCount: () => 1 };
});
vi.mock('./cpuBackend', async (original) => {
  const { CpuBackend: Real } = await original<{ CpuBackend: typeof CpuBackend }>();
  return {
    CpuBackend: function counted(ort: ConstructorParameters<typeof CpuBackend>[0]) {
      const backend = countingBackend(new Real(ort));
      backends.push(backend);
      return backend;
    },
  };
});

const TINY = 'fixtures/models/tiny';
const tiny = new Map(
  readdirSync(TINY, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name).slice(TINY.length + 1);
      return [path, new File([readFileSync(`${TINY}/${path}`)], path)] as const;
    }),
);
const settings: Settings = {
  ...INITIAL,
  prompt: 'a',
  negativePrompt: '',
  emphasis: 'plain',
  seed: 1,
  steps: 1,
  guidanceScale: 3,
  pagScale: 3,
  layers: 'mid',
  scheduler: 'euler',
  compare: false,
  backend: 'wasm',
};
const never = new AbortController().signal;

let events: EngineEvent[] = [];
let engine: Engine;
let opened = 0;
beforeEach(() => {
  events = [];
  opened = 0;
  backends.length = 0;
  engine = new Engine((event) => {
    if (event.type !== 'busy') events.push(event);
  });
});

/** A model in a folder; `opened` counts how many of its files are read. */
function model(id: string, changes: Readonly<Record<string, string>> = {}): FolderModelRef {
  const files = new Map([
    ...tiny,
    ...Object.entries(changes).map(([path, text]) => [path, new File([text], path)] as const),
  ]);
  const get = files.get.bind(files);
  files.get = (path) => {
    opened += 1;
    return get(path);
  };
  return { kind: 'folder', id, files };
}

const run = (ref: FolderModelRef, changes: Partial<Settings> = {}) =>
  engine.generate({ type: 'generate', runId: 'r', model: ref, settings: { ...settings, ...changes } }, never);
const all = (type: EngineEvent['type']) => events.filter((event) => event.type === type);

test.each(['unet/model.onnx', 'unet/config.json'])(
  '%s that vanishes while it is read is called gone, and is read again when it is back',
  async (path) => {
    const whole = tiny.get(path) as File;
    const gone = () =>
      Promise.reject(new DOMException('A requested file or directory could not be found.', 'NotFoundError'));
    let there = false;
    const file = new Proxy(whole, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (there) return value.bind(target) as unknown;
        return name === 'slice' ? () => ({ arrayBuffer: gone }) : gone;
      },
    });
    const ref = model('a');
    (ref.files as Map<string, File>).set(path, file);
    await expect(run(ref)).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringContaining('is gone') as string,
    });
    there = true;
    await run(ref);
    expect(all('done')).toHaveLength(1);
  },
);

test('what accuses the settings leaves the model as it is; what accuses the files reads them again', async () => {
  const ref = model('a');
  await run(ref);
  const [before, sessions] = [opened, backends[0]!.made.sessions];
  await expect(run(ref, { steps: 5000 })).rejects.toMatchObject({ code: 'schedule-impossible' });
  await expect(run(ref, { guidanceScale: 1e38 })).rejects.toMatchObject({ code: 'not-finite' });
  await expect(run(ref, { layers: 'd9' })).rejects.toMatchObject({ code: 'layers-not-found' });
  await run(ref);
  expect([opened, backends[0]!.made.sessions]).toEqual([before, sessions]);
  expect(backends[0]!.live.tensors).toBe(0);
  const bad = model('b', { 'unet/config.json': 'null' });
  for (const reads of [1, 2]) {
    opened = 0;
    await expect(run(bad)).rejects.toMatchObject({ code: 'model-invalid' });
    expect(opened, `try ${reads}`).toBeGreaterThan(0);
  }
});

test('settings that run more rows at once are weighed before the run, and fewer again', async () => {
  const ref = model('a');
  const figures = async (changes: Partial<Settings>) => {
    events = [];
    await run(ref, changes);
    return all('verdict').map((event) => (event as { figures: string }).figures);
  };
  const [plain] = await figures({});
  const [pair, ...more] = await figures({ compare: true });
  expect(more).toEqual([]);
  expect(pair).toMatch(/largest buffer/);
  expect(pair).not.toBe(plain);
  expect(await figures({ compare: true, seed: 2 })).toEqual([]);
  expect(await figures({})).toEqual([plain]);
  expect(events.findIndex(({ type }) => type === 'verdict')).toBeLessThan(
    events.findIndex(({ type }) => type === 'progress'),
  );
});

test('the image without PAG is made again only where another would come of it', async () => {
  const ref = model('a');
  const other = model('b');
  const pair = { compare: true, steps: 2 };
  const lora = { id: 'x', name: 'x', file: new File([], 'x'), weight: 1 };
  const kept = async (changes: Partial<Settings>, of = ref, loras: readonly (typeof lora)[] = []) => {
    events = [];
    const request = { type: 'generate', runId: 'r', model: of, settings: { ...settings, ...pair, ...changes }, loras };
    await engine.generate(request as GenerateRequest, never);
    const [done] = all('done') as DoneEvent[];
    // As the worker hands it over: what is kept must not be lost with it.
    const { withoutPag, withPag } = done!.pair!;
    structuredClone(done!.pair, { transfer: [withoutPag, withPag].flatMap((one) => one?.rgba.buffer ?? []) });
    return done!.stats.keptWithoutPag;
  };
  expect(await kept({})).toBe(false);
  for (const changes of [{ pagScale: 5 }, { layers: 'all' }, { pag: { ...PLAIN_PAG, identity: 0.5 } }])
    expect(await kept(changes), JSON.stringify(changes)).toBe(true);
  // A run without it in between forgets nothing, nor does one that fails or is cancelled.
  expect(await kept({ compare: false })).toBe(false);
  await expect(kept({ layers: 'd9' })).rejects.toThrow();
  await expect(
    engine.generate({ type: 'generate', runId: 'r', model: ref, settings }, AbortSignal.abort()),
  ).rejects.toThrow();
  expect(await kept({ pagScale: 1 })).toBe(true);
  for (const changes of [
    { seed: 2 },
    { prompt: 'b' },
    { guidanceScale: 2 },
    { scheduler: 'ddim' },
    { steps: 3 },
    { pag: { ...PLAIN_PAG, guidanceRescale: 0.5 } },
  ] as const)
    expect(await kept(changes), JSON.stringify(changes)).toBe(false);
  expect([await kept({}, ref, [lora]), await kept({}, ref, [{ ...lora, weight: 0.5 }])]).toEqual([false, false]);
  expect([await kept({}), await kept({ pagScale: 4 }), await kept({}, other), await kept({}, ref)]).toEqual([
    false,
    true,
    false,
    false,
  ]);
});

test('what keeps a run from making all images ends it behind those that it made, and the next run works', async () => {
  vi.stubGlobal('navigator', { deviceMemory: 0.001 });
  const own = new Engine((event) => {
    if (event.type !== 'busy') events.push(event);
    if (event.type === 'progress' && event.images?.from === 2 && event.phase === 'denoise') backends[0]!.failNextRun();
  });
  const several = { ...settings, images: 4 };
  await expect(
    own.generate({ type: 'generate', runId: 'r', model: model('a'), settings: several }, never),
  ).rejects.toMatchObject({ code: 'out-of-memory' });
  vi.unstubAllGlobals();
  expect(all('image')).toMatchObject([
    { runId: 'r', image: 0 },
    { runId: 'r', image: 1 },
  ]);
  expect(all('done')).toEqual([]);
  await own.generate({ type: 'generate', runId: 's', model: model('a'), settings }, never);
  expect(events.at(-1)).toMatchObject({ type: 'done', runId: 's' });
  expect(backends[0]!.live.tensors).toBe(0);
});

// More runs than prompts are kept. What is counted is exact: what one run or switch left behind would show after a few.
test('runs, and switches between two models, leave no session and no tensor behind', async () => {
  const [a, b] = [model('a'), model('b')];
  await run(a);
  const [backend] = backends as [CountingBackend];
  const { sessions } = backend.live;
  for (let at = 0; at < 20; at += 1) await run(a, { seed: at, prompt: `apple ${at}` });
  expect(backend.live).toEqual({ sessions, tensors: 0 });
  expect(backend.made.sessions).toBe(sessions);
  for (let at = 0; at < 6; at += 1) await run(at % 2 === 0 ? b : a, { seed: at });
  expect(backend.live).toEqual({ sessions, tensors: 0 });
  expect(backend.made.sessions).toBe(7 * sessions);
  expect(backends).toHaveLength(1);
});

test('what a size asks of the device is said before a run, with what the sites cost at it', async () => {
  const ref = model('a');
  engine.weigh({ type: 'weigh', settings: { ...settings, width: 64 } });
  expect(events).toEqual([]);
  await run(ref);
  events = [];
  engine.weigh({ type: 'weigh', settings: { ...settings, width: 96, height: 64 } });
  const [verdict, costs] = events;
  expect(verdict).toMatchObject({ type: 'verdict', modelId: 'a', level: 'fits', ofSize: false });
  // 16 × 24 latents, and a quarter of them below.
  const tokens = (costs as CostsEvent).costs.map((site) => site.tokens);
  expect([costs?.type, ...new Set(tokens)]).toEqual(['costs', 384, 96]);
  engine.weigh({ type: 'weigh', settings: { ...settings, width: 4096, height: 4096 } });
  expect(events.at(-2)).toMatchObject({ type: 'verdict', level: 'doubtful', ofSize: true });
});

test('the image without PAG that is kept is of its size, and of one image alone', async () => {
  const ref = model('a');
  const keeps = async (changes: Partial<Settings>) => {
    events = [];
    await run(ref, { compare: true, ...changes });
    const [done] = all('done') as DoneEvent[];
    return [done!.stats.keptWithoutPag, done!.pair ? 1 : all('image').length];
  };
  expect(await keeps({})).toEqual([false, 1]);
  expect(await keeps({ pagScale: 2 })).toEqual([true, 1]);
  expect(await keeps({ pagScale: 2, width: 48 })).toEqual([false, 1]);
  expect(await keeps({ pagScale: 1, width: 48 })).toEqual([true, 1]);
  expect(await keeps({ pagScale: 1, width: 48, images: 2 })).toEqual([false, 2]);
  expect(await keeps({ pagScale: 3, width: 48, images: 2 })).toEqual([false, 2]);
});

test('latents of a step are decoded by the model that is loaded, and by no other', async () => {
  const ref = model('a');
  await expect(engine.decode({ type: 'decode', decodeId: 1, modelId: 'a', latents: LATENTS }, never)).rejects.toThrow();
  await run(ref, { steps: 2, compare: true });
  const steps = (all('trace') as TraceEvent[]).map(({ trace }) => trace);
  expect(steps.map(({ step }) => step)).toEqual([0, 1]);
  const [done] = all('done') as DoneEvent[];
  const decode = (latents: StepLatents, modelId = 'a', signal = never) =>
    engine.decode({ type: 'decode', decodeId: 1, modelId, latents }, signal);
  // Euler's last estimate is the picture, but for the rounding of latents to f16.
  for (const [estimate, picture] of [
    [steps[1]!.withPag, done!.pair!.withPag],
    [steps[1]!.withoutPag!, done!.pair!.withoutPag!],
  ] as const) {
    const { rgba, ...size } = await decode(estimate as StepLatents);
    expect(size).toEqual({ width: picture.width, height: picture.height });
    expect(Math.max(...rgba.map((level, at) => Math.abs(level - picture.rgba[at]!)))).toBeLessThanOrEqual(1);
  }
  await decode(steps[0]!.perturbed as StepLatents);
  expect(backends[0]!.live.tensors).toBe(0);
  const latents = steps[0]!.withPag as StepLatents;
  const [channels, height, width] = latents.dims;
  for (const request of [
    decode(latents, 'b'),
    decode({ ...latents, dims: [channels, height + 1, width] }),
    decode({ ...latents, dims: [1, channels * height, width] }),
  ])
    await expect(request).rejects.toMatchObject({ code: 'model-missing' });
  await expect(decode(latents, 'a', AbortSignal.abort())).rejects.toThrow('abort');
});

const LATENTS: StepLatents = { dims: [4, 1, 1], halves: new Uint16Array(4) };
