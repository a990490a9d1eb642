// A run that changes on the way, on a GPU: gone on from what is kept it is the whole run to rounding, other layers with
// a cut of their own among the changes; and the whole run is the CPU's, what its steps came to included.

import { expect, test } from 'vitest';
import { float16ToFloat32 } from '../kernels/float16';
import { describeOnDawn } from '../kernels/testing/dawn';
import type { Estimate, StepLatents, StepTrace } from '../protocol/runSteps';
import { INITIAL, type Settings } from '../settings/fields';
import type { Backend } from './backend';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { generate } from './generate';
import { GpuBackend } from './gpuBackend';
import { readModelFiles } from './modelFiles';
import { folder } from './testing/folder';
import { loadNodeGpuRuntime, loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';
import { fromStepOn } from '../settings/earlierSteps';
import { KeptRuns } from './keptRuns';

const made: Settings = {
  ...INITIAL,
  prompt: 'red apple',
  scheduler: 'dpmpp-2m',
  steps: 4,
  layers: 'mid',
  compare: true,
};
const changes: Readonly<Record<string, Partial<Settings>>> = {
  'another PAG scale': { pagScale: 1 },
  'other layers': { layers: 'all' },
  'another prompt': { prompt: 'blue' },
};

async function run(backend: Backend) {
  const model = await openModel(backend, await readModelFiles(folder('fixtures/models/tiny')), 'tiny');
  const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
  const steps: StepTrace[] = [];
  const first = await generate(model, made, { ...hooks, trace: (step) => steps.push(step) });
  const all = [];
  for (const change of Object.values(changes)) {
    const changed = fromStepOn(made, 2, { ...made, ...change });
    const kept = new KeptRuns();
    kept.add(first.made);
    const whole = await generate(model, changed, hooks);
    const rest = await generate(model, changed, hooks, { kept });
    all.push({ whole: whole.latents, rest: rest.latents, keptSteps: rest.stats.keptSteps });
  }
  await closeModel(model);
  return { all, steps };
}

describeOnDawn('a run that changes on the way', (gpu) => {
  test.each([true, false])('goes on from what is kept (recorded: %s)', async (captures) => {
    const options = { fusesAttention: false, captures };
    const onGpu = await run(new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, options));
    const onCpu = await run(new CpuBackend(await loadNodeRuntime()));
    for (const [at, { whole, rest, keptSteps }] of onGpu.all.entries()) {
      expect(keptSteps).toBe(2);
      expect(relativeError(rest, whole)).toBeLessThan(1e-4);
      // Four steps of CFG 3 and PAG 3 multiply the 1e-5 of each forward.
      expect(relativeError(whole, onCpu.all[at]!.whole)).toBeLessThan(1e-3);
    }
    expect(onGpu.steps).toHaveLength(4);
    for (const [at, step] of onGpu.steps.entries()) {
      const other = onCpu.steps[at]!;
      for (const which of ['withoutPag', 'withPag', 'perturbed'] as const)
        expect(relativeError(valuesOf(step[which]), valuesOf(other[which]))).toBeLessThan(2e-3);
      for (const which of ['cfg', 'pag'] as const) expect(step.norms[which]! / other.norms[which]!).toBeCloseTo(1, 2);
    }
  });
});

function valuesOf(estimate: Estimate | null): Float32Array {
  return float16ToFloat32((estimate as StepLatents).halves);
}
