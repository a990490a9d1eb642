// What a step is said to have come to, against the scheduler's own step with the weights of single rows.

import { expect, test } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import { planRun } from '../diffusion/runPlan';
import { INITIAL, type Settings } from '../settings/fields';
import type { StepLatents, StepTrace } from '../protocol/runSteps';
import { CpuBackend } from './cpuBackend';
import { float16ToFloat32 } from '../kernels/float16';
import { fromStepOn } from '../settings/earlierSteps';
import { generate } from './generate';
import { KeptRuns } from './keptRuns';
import { readModelFiles } from './modelFiles';
import { imageSteps, tracedRows, type ImageStep } from './stepTrace';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const model = await openModel(backend, await readModelFiles(folder('fixtures/models/tiny')), 'tiny');
const signal = new AbortController().signal;
const settings: Settings = {
  ...INITIAL,
  prompt: 'a',
  steps: 3,
  pagScale: 2,
  guidanceScale: 3,
  scheduler: 'euler',
  compare: true,
  backend: 'wasm',
  pag: { ...PLAIN_PAG, window: { semantics: 'steps', start: 1, stop: 9 } },
};
const planned = { scheduler: model.files.scheduler, guidanceEmbedded: false, strengths: () => [1] };

test.each([
  ['shared', 0],
  ['apart', 1],
])('rows that read latents %s: estimates and norms are those of the rows', async (_, at) => {
  const plan = planRun({ ...settings, pag: PLAIN_PAG }, planned);
  const record = plan.records[at]!;
  const image = model.info.latentShape;
  const size = image.reduce((product, dim) => product * dim, 1);
  const values = (count: number, phase: number) =>
    Float32Array.from({ length: count * size }, (__, index) => Math.sin(0.37 * index + phase));
  const predictions = backend.upload('float32', [record.siteRows.length, ...image], values(record.siteRows.length, 1));
  const latents = backend.upload(
    'float32',
    [2, ...image],
    at === 0 ? [...values(1, 2), ...values(1, 2)] : values(2, 2),
  );
  const history = backend.upload('float32', [1, 2, ...image], new Float32Array(2 * size));
  const rows = tracedRows(record, 1, 2);
  // The last image made of the perturbed row alone, by the kernel of every step.
  const only = record.siteRows.map((__, row) => (row === rows.perturbed ? 1 : 0));
  const own = record.weights.map(() => only);
  const stepped = await backend.guidedStep({
    predictions,
    latents: backend.gatherRows(latents, [1, 1]),
    history,
    noise: null,
    weights: own,
    coefficients: record.coefficients,
  });
  const [read, sample, denoised] = await backend.readAll([predictions, latents, stepped.denoised]);
  const made = imageSteps(record, { predictions: read!, latents: sample!, denoised: denoised! }, image);
  expect(made.map(({ perturbed, push, pagScale }) => [perturbed !== null, push !== null, pagScale])).toEqual([
    [false, false, 0],
    [true, true, 2],
  ]);
  const [plain, step] = made as [ImageStep, ImageStep];
  expect(step.perturbed).toEqual(step.estimate);
  const row = (index: number) => read!.subarray(index * size, (index + 1) * size);
  const norm = (one: number, other: number) =>
    Math.hypot(...row(one).map((value, index) => value - row(other)[index]!));
  expect(step.norms.cfg).toBeCloseTo(norm(rows.cond, rows.uncond!), 4);
  expect(step.norms.pag).toBeCloseTo(norm(rows.cond, rows.perturbed!), 4);
  const plainRows = tracedRows(record, 0, 2);
  expect(plain.norms).toEqual({ cfg: expect.closeTo(norm(plainRows.cond, plainRows.uncond!), 4) as number, pag: null });
  const { most, values: pushed, width, height } = step.push!;
  expect(pushed.length).toBe(width * height);
  const expected = Array.from({ length: pushed.length }, (__, place) => {
    const channels = Array.from({ length: image[0] }, (___, channel) => channel * pushed.length + place);
    return channels.reduce((sum, index) => sum + Math.abs(row(rows.cond)[index]! - row(rows.perturbed!)[index]!), 0);
  }).map((sum) => sum / image[0]);
  expect(most).toBeCloseTo(Math.max(...expected), 5);
  for (const [index, value] of expected.entries())
    expect(Math.abs((pushed[index]! / 255) * most - value)).toBeLessThan(most / 500);
});

test('a run tells each step once, without what PAG steers away from where it is off', async () => {
  const steps: StepTrace[] = [];
  const hooks = { signal, progress: () => {}, preview: () => {} };
  const traced = await generate(model, settings, { ...hooks, trace: (step) => steps.push(step) });
  expect(steps.map(({ step }) => step)).toEqual([0, 1, 2]);
  expect(steps.map(({ perturbed }) => perturbed !== null)).toEqual(steps.map(({ pagScale }) => pagScale > 0));
  expect(new Set(steps.map(({ pagScale }) => pagScale))).toEqual(new Set([0, 2]));
  // Euler's last step is its estimate, but for the rounding to f16.
  const last = steps.at(-1)!;
  for (const [at, estimate] of [last.withoutPag!, last.withPag].entries()) {
    const { dims, halves } = estimate as StepLatents;
    expect(dims).toEqual(model.info.latentShape);
    const end = traced.latents.subarray(at * halves.length, (at + 1) * halves.length);
    expect(relativeError(float16ToFloat32(halves), end)).toBeLessThan(1e-3);
  }
  expect(last.colours).toEqual(model.previews.colours);
  expect(last.colours).not.toBeNull();
});

test('what a step came to is read with its preview and its state: one read-back a step', async () => {
  const counts: number[] = [];
  const counted = Object.create(backend, {
    readAll: {
      value: (tensors: Parameters<typeof backend.readAll>[0]) => {
        counts.push(tensors.length);
        return backend.readAll(tensors);
      },
    },
  }) as typeof backend;
  await model.previews.prepare(signal);
  const hooks = { signal, progress: () => {}, preview: () => {} };
  await generate({ ...model, backend: counted }, settings, hooks);
  // Predictions, latents and estimates; Euler's states have no history.
  expect(counts).toEqual([3, 3, 3]);
});

test('a run that goes on tells the steps that are there as the whole run does', async () => {
  const told = async (own: Settings, kept: KeptRuns | null) => {
    const steps: StepTrace[] = [];
    const hooks = { signal, progress: () => {}, preview: () => {}, trace: (step: StepTrace) => steps.push(step) };
    const { made, stats } = await generate(model, own, hooks, { kept, anew: false });
    return { steps, made, stats };
  };
  const first = await told(settings, null);
  const kept = new KeptRuns();
  kept.add(first.made);
  for (const changes of [{}, { pagScale: 0 }, { pagScale: 5 }]) {
    const { steps, stats } = await told({ ...settings, ...changes }, kept);
    expect(stats.keptWithoutPag).toBe(true);
    expect(steps).toEqual((await told({ ...settings, ...changes }, null)).steps);
  }
  const changed = fromStepOn(settings, 2, { ...settings, pagScale: 7 });
  const { steps, stats } = await told(changed, kept);
  expect(stats.keptSteps).toBe(2);
  expect(steps).toEqual((await told(changed, null)).steps);
});
