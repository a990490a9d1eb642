// Whole runs with every scheduler, and with Euler for each kind of guidance, against diffusers' PAG pipelines: the
// latents after each call of the model, from the seed on, so noise, history, guidance and the model's timesteps all
// have to be right (fixtures/diffusion/pipeline_goldens.py).

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import type { SchedulerId } from '../diffusion/schedulers';
import { INITIAL, type Settings } from '../settings/fields';
import type { StepInput, StepOutput } from './backend';
import { CpuBackend } from './cpuBackend';
import { openModel } from './testing/openModel';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

interface Goldens {
  readonly settings: Pick<
    Settings,
    'prompt' | 'negativePrompt' | 'seed' | 'steps' | 'guidanceScale' | 'pagScale' | 'spacing'
  > & { readonly adaptive: number };
  /** Every fourth value of the latents after each call. */
  readonly runs: readonly {
    readonly model: 'tiny' | 'sdxl';
    readonly scheduler: SchedulerId;
    readonly calls: readonly (readonly number[])[];
  }[];
  /** With Euler; `changes` is what of the settings is another. */
  readonly guidance: readonly {
    readonly model: 'tiny' | 'sdxl';
    readonly case: string;
    readonly changes: Partial<Pick<Settings, 'guidanceScale' | 'pagScale' | 'layers'>> & {
      readonly adaptive?: number;
      readonly guidanceRescale?: number;
    };
    readonly calls: readonly (readonly number[])[];
  }[];
}

const goldens = JSON.parse(readFileSync('fixtures/diffusion/pipelines.json', 'utf8')) as Goldens;
const { adaptive, ...given } = goldens.settings;
const settings: Settings = {
  ...INITIAL,
  ...given,
  scheduler: 'ddim',
  layers: 'mid',
  emphasis: 'plain',
  compare: true,
  backend: 'wasm',
  pag: { ...PLAIN_PAG, adaptive: { semantics: 'diffusers', amount: adaptive } },
};

/** Remembers the latents that each step makes. */
class Recorder extends CpuBackend {
  readonly calls: StepOutput[] = [];

  override async guidedStep(input: StepInput): Promise<StepOutput> {
    const output = await super.guidedStep(input);
    this.calls.push(output);
    return output;
  }
}

const backend = new Recorder(await loadNodeRuntime());
const open = async (path: string) => openModel(backend, await readModelFiles(folder(path)), path);
const models = { tiny: await open('fixtures/models/tiny'), sdxl: await open('fixtures/engine/sdxl') };

async function run(model: 'tiny' | 'sdxl', changes: Partial<Settings>) {
  backend.calls.length = 0;
  const progress: number[] = [];
  const previews: number[] = [];
  const { latents, stats } = await generate(
    models[model],
    { ...settings, ...changes },
    {
      signal: new AbortController().signal,
      progress: (phase, step) => phase === 'denoise' && progress.push(step),
      preview: (step) => previews.push(step),
    },
  );
  const calls = await Promise.all(backend.calls.map(({ latents: after }) => backend.read(after)));
  return { calls, latents, stats, progress, previews };
}

// npx vitest run --project unit --reporter=verbose src/engine/schedulers.test.ts -t "diffusers"
describe.each(['tiny', 'sdxl'] as const)('%s', (model) => {
  /** Relative to the largest latent of the run, over all calls; of the pair the second image, which has PAG. */
  async function worstError(changes: Partial<Settings>, calls: readonly (readonly number[])[]): Promise<number> {
    const own = await run(model, changes);
    expect(own.calls).toHaveLength(calls.length);
    const withPag = own.calls.flatMap((all) => [...all.slice(all.length / 2)].filter((_, at) => at % 4 === 0));
    return relativeError(Float32Array.from(withPag), Float32Array.from(calls.flat()));
  }

  for (const { scheduler, calls } of goldens.runs.filter((golden) => golden.model === model)) {
    test(`${scheduler}: the latents of each call are those of diffusers`, async ({ annotate }) => {
      const error = await worstError({ scheduler }, calls);
      await annotate(`${model}, ${scheduler}: worst error ${error.toExponential(1)}`);
      expect(error).toBeLessThan(1e-4);
    });
  }

  for (const { case: name, changes, calls } of goldens.guidance.filter((golden) => golden.model === model)) {
    test(`${name}: the latents of each call are those of diffusers`, async ({ annotate }) => {
      const { adaptive: amount = adaptive, guidanceRescale = 0, ...others } = changes;
      const pag = { ...PLAIN_PAG, adaptive: { semantics: 'diffusers', amount } as const, guidanceRescale };
      const error = await worstError({ scheduler: 'euler', ...others, pag }, calls);
      await annotate(`${model}, ${name}: worst error ${error.toExponential(1)}`);
      expect(error).toBeLessThan(1e-4);
    });
  }
});

test('a two-stage step is one step to progress, previews and windows', async () => {
  const window = { ...PLAIN_PAG, window: { semantics: 'forge', start: 0, stop: 0.4 } as const };
  const { progress, previews, stats } = await run('tiny', { scheduler: 'heun', steps: 3, pag: window });
  expect(progress).toEqual([0, 0, 1, 1, 2]);
  expect(previews).toEqual([1, 2]);
  // Forge sees steps 0, 0 and 1 of 3: the first two are in the window, four calls of 5 rows, then one of 4. In the very
  // first both images are the same noise and share their rows: 3.
  expect(stats.unetRows).toBe(3 + 3 * 5 + 4);
});

test('both images of a pair get the same noise at every step: without PAG they stay equal', async () => {
  const { latents } = await run('tiny', { scheduler: 'euler-a', pagScale: 0 });
  expect(latents.slice(latents.length / 2)).toEqual(latents.slice(0, latents.length / 2));
  const { latents: alone } = await run('tiny', { scheduler: 'euler-a', pagScale: 0, compare: false });
  expect(alone).toEqual(latents.slice(latents.length / 2));
});
