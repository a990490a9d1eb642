// Checkpoints in one file, of each family, through the whole engine on the WASM provider, against diffusers' pipelines
// with PAG on the same weights (fixtures/checkpoints/make_pipeline.py); and what is no whole model.

import { openAsBlob } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { fileShapes, real, singleFile, small, type Stored, type Table } from '../../fixtures/checkpoints/golden';
import { withInputs } from '../../fixtures/inpaint/inpaint';
import {
  commonSettings,
  families,
  latentsOf,
  wholeFile,
  withPart,
  worstPixel,
  type FamilyName,
} from '../../fixtures/checkpoints/pipelines';
import { fileOf } from '../checkpoints/testing/safetensorsFile';
import { preflight, type Needs } from '../models/preflight';
import { INITIAL, type Settings } from '../settings/fields';
import { checkpointFiles } from './checkpointFiles';
import { elements } from './backend';
import { CpuBackend } from './cpuBackend';
import { closeModel, openModel, type DiffusionModel } from './diffusionModel';
import { generate } from './generate';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel as openUnweighed } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
const merges = () => openAsBlob('public/clip/merges.txt');

function open(file: Blob) {
  return checkpointFiles({ file: new File([file], 'some.safetensors'), clipUrl: '' }, undefined, merges);
}

function run(model: DiffusionModel, settings: Partial<Settings>) {
  const all = { ...INITIAL, pagScale: 0, compare: false, ...commonSettings, ...settings };
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
  ['tiny-sd', 'F16', true],
  ['lcm', 'F16', true],
];

const table: string[] = [];
afterAll(() =>
  console.info(['family · stored as · layers · PAG scale · worst error against diffusers', ...table].join('\n')),
);

test.each(STORED)('%s stored in %s predicts what diffusers’ pipeline does', async (family, dtype, all) => {
  const model = await openUnweighed(backend, await open(wholeFile(family, dtype)), 'one');
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
    const { layers, pagScale } = golden.settings;
    table.push([family, dtype, layers, pagScale, error.toExponential(1)].join(' · '));
    expect(error, JSON.stringify(golden.settings)).toBeLessThan(BOUND);
    if (golden.picture !== undefined) expect(worstPixel(golden, pair.withPag.rgba)).toBeLessThanOrEqual(1);
  }
  await closeModel(model);
});

test('what is missing is named, and a model for another task refused', async () => {
  const alone = (table: Table) => open(singleFile(table, 'F16'));
  await expect(alone(small.lcm!)).rejects.toThrow(/LCM\) has no VAE and no text encoder\. Choose the file/);
  await expect(alone(small.sdxl!)).rejects.toThrow(/has no VAE\. Choose/);
  await expect(alone(withInputs(small.sd1!, 8))).rejects.toThrow(/is a model for changing pictures/);
});

/** A file of which only the header is there; what is read of it is counted. */
class SparseFile extends File {
  read = 0;

  constructor(
    private readonly head: Uint8Array<ArrayBuffer>,
    bytes: number,
  ) {
    super([], 'large.safetensors');
    Object.defineProperty(this, 'size', { value: head.length + bytes });
  }

  override slice(start = 0, end = this.size): Blob {
    this.read += Math.max(0, Math.min(end, this.size) - start);
    return new Blob([this.head.slice(start, end)]);
  }
}

test('a file of SDXL’s size is identified and weighed from its header alone', async () => {
  const whole = withPart(real.sdxl!, real.sd1!, 'vae');
  let end = 0;
  const entries = Object.entries(fileShapes(whole)).map(([key, shape]) => {
    const begin = end;
    end += 2 * elements(shape);
    return [key, { dtype: 'F16', shape, data_offsets: [begin, end] }] as const;
  });
  const header = await fileOf(JSON.stringify(Object.fromEntries(entries))).arrayBuffer();
  const file = new SparseFile(new Uint8Array(header), end);
  expect(file.size).toBeGreaterThan(6.9e9);
  const files = await checkpointFiles({ file, clipUrl: '' }, undefined, merges);
  const found: Needs[] = [];
  const run = { compare: true, guidanceScale: 5, pagScale: 3, width: 0, height: 0 };
  const weighed = openModel(Object.assign(Object.create(backend) as CpuBackend, { f16: true }), files, 'large', {
    run,
    weigh: (needs) => {
      found.push(needs(run));
      throw new Error('weighed');
    },
    notice: () => {},
  });
  await expect(weighed).rejects.toThrow('weighed');
  // UNet, two text encoders without their tables of tokens, and of the VAE the decoder; and a few constants.
  const tables = 49_408 * (768 + 1280);
  const parameters = 2_567_463_684 + 123_060_480 + 694_659_840 - tables + 49_490_199;
  expect(found[0]!.weightBytes / (2 * parameters)).toBeCloseTo(1, 4);
  const verdict = (memoryGiB: number) =>
    preflight(found[0]!, { device: { backend: 'webgpu', f16: true, limits: null }, freeBytes: null, memoryGiB }).level;
  expect([verdict(16), verdict(4)]).toEqual(['fits', 'doubtful']);
  // The look at its first bytes, and the header.
  expect(file.read).toBeLessThan(header.byteLength + 1024);
});
