// Checkpoints in one file, of each family, through the whole engine on the WASM provider, against diffusers' pipelines
// with PAG on the same weights (fixtures/checkpoints/make_pipeline.py); and what is no whole model.

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import { singleFile, small, type Stored, type Table } from '../../fixtures/checkpoints/golden';
import {
  commonSettings,
  families,
  latentsOf,
  wholeFile,
  worstPixel,
  type FamilyName,
} from '../../fixtures/checkpoints/pipelines';
import { PLAIN_PAG } from '../diffusion/options';
import type { Settings } from '../settings/fields';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import { closeModel, type DiffusionModel } from './diffusionModel';
import { generate } from './generate';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const merges = () => openAsBlob('public/clip/merges.txt');

function open(file: Blob) {
  return checkpointFiles({ file: new File([file], 'some.safetensors'), clipUrl: '' }, undefined, merges);
}

function run(model: DiffusionModel, settings: Partial<Settings>) {
  const all = {
    ...commonSettings,
    negativePrompt: '',
    layers: 'mid',
    pagScale: 0,
    scheduler: 'ddim',
    sigmas: 'model',
    spacing: 'model',
    pag: PLAIN_PAG,
    compare: false,
    backend: 'wasm',
    ...settings,
  } as const;
  return generate(model, all, { signal: new AbortController().signal, progress: () => {}, preview: () => {} });
}

/**
 * Three steps with guidance: each multiplies what predictions are off by (CPU_F32) by the scales, 3 and 2, at most.
 */
const BOUND = 1e-4;

/** Where `all`, with all runs of the family, else the first alone: the weights are the same numbers in each type. */
const STORED: readonly (readonly [FamilyName, Stored, all: boolean])[] = [
  ['sd1', 'F16', true],
  ['sd1', 'BF16', false],
  ['sd2', 'F32', true],
  ['sdxl', 'F16', true],
  ['ssd-1b', 'F32', true],
  ['lcm', 'F16', true],
];

test.each(STORED)('%s stored in %s predicts what diffusers’ pipeline does', async (family, dtype, all) => {
  const model = await openModel(backend, await open(wholeFile(family, dtype)), 'one');
  expect(model.info).toMatchObject({
    latentShape: [4, 16, 16],
    predictionType: family === 'sd2' ? 'v_prediction' : 'epsilon',
    guidanceEmbedded: family === 'lcm',
  });
  const [first, ...others] = families[family];
  for (const golden of all ? [first!, ...others] : [first!]) {
    const expected = latentsOf(golden);
    // The first is the second of a pair.
    const compare = golden === first;
    const { latents, pair } = await run(model, { ...golden.settings, compare });
    const error = relativeError(latents.slice(-expected.length), expected);
    expect(error, JSON.stringify(golden.settings)).toBeLessThan(BOUND);
    if (golden.picture !== undefined) expect(worstPixel(golden, pair.withPag.rgba)).toBeLessThanOrEqual(1);
  }
  await closeModel(model);
});

test('what is missing is named, and a model for another task refused', async () => {
  const alone = (table: Table) => open(singleFile(table, 'F16'));
  await expect(alone(small.lcm!)).rejects.toThrow(/LCM\) has no VAE and no text encoder\. Choose the file/);
  await expect(alone(small.sdxl!)).rejects.toThrow(/has no VAE\. Choose/);
  const inpainting = { ...small.inpainting!, file: { ...small.sd1!.file, ...small.inpainting!.file } };
  const parts = { ...small.sd1!.parts, ...small.inpainting!.parts };
  await expect(alone({ ...inpainting, parts })).rejects.toThrow(/is a model for inpainting/);
});
