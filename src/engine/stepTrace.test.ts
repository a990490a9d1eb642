// What a step is said to have come to, against the scheduler's own step with the weights of single rows.

import { expect, test } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import { planRun } from '../diffusion/runPlan';
import { INITIAL, type Settings } from '../settings/fields';
import type { StepTrace } from '../protocol/runSteps';
import { CpuBackend } from './cpuBackend';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { readRows, traceStep, tracedRows } from './stepTrace';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';

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
  const [, ...image] = [0, ...model.info.latentShape];
  const size = image.reduce((product, dim) => product * dim, 1);
  const values = (count: number, phase: number) =>
    Float32Array.from({ length: count * size }, (__, index) => Math.sin(0.37 * index + phase));
  const predictions = backend.upload('float32', [record.siteRows.length, ...image], values(record.siteRows.length, 1));
  const latents = backend.upload('float32', [2, ...image], values(2, 2));
  const history = backend.upload('float32', [1, 2, ...image], new Float32Array(2 * size));
  const rows = tracedRows(record);
  // The last image made of the perturbed row alone, by the kernel of every step.
  const only = record.siteRows.map((__, row) => (row === rows.perturbed ? 1 : 0));
  const own = record.weights.map(() => only);
  const stepped = await backend.guidedStep({
    predictions,
    latents: backend.gatherRows(latents, [rows.latents, rows.latents]),
    history,
    noise: null,
    weights: own,
    coefficients: record.coefficients,
  });
  const read = await readRows(backend, predictions, latents);
  const trace = await traceStep(model, record, read, stepped.denoised, signal);
  expect(trace.perturbed!.rgba).toEqual(trace.withPag.rgba);
  const row = (index: number) => read.predictions.subarray(index * size, (index + 1) * size);
  const norm = (one: number, other: number) =>
    Math.hypot(...row(one).map((value, index) => value - row(other)[index]!));
  expect(trace.norms.cfg).toBeCloseTo(norm(rows.cond, rows.uncond!), 4);
  expect(trace.norms.pag).toBeCloseTo(norm(rows.cond, rows.perturbed!), 4);
  const mean = (list: ArrayLike<number>) => Array.from(list).reduce((sum, one) => sum + Math.abs(one), 0) / list.length;
  expect(mean(trace.push!.values)).toBeCloseTo(
    mean(row(rows.cond).map((value, index) => value - row(rows.perturbed!)[index]!)),
    5,
  );
});

test('a run tells each step once, without a perturbed picture where PAG is off, and stays as it is', async () => {
  const steps: StepTrace[] = [];
  const hooks = { signal, progress: () => {}, preview: () => {} };
  const traced = await generate(model, settings, { ...hooks, trace: (step) => steps.push(step) });
  const plain = await generate(model, settings, hooks);
  expect(traced.latents).toEqual(plain.latents);
  expect(steps.map(({ step }) => step)).toEqual([0, 1, 2]);
  expect(steps.map(({ perturbed }) => perturbed !== null)).toEqual(steps.map(({ pagScale }) => pagScale > 0));
  expect(new Set(steps.map(({ pagScale }) => pagScale))).toEqual(new Set([0, 2]));
  expect(steps.at(-1)!.withPag.rgba).toEqual(traced.pair.withPag.rgba);
});
