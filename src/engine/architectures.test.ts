// Models of other architectures than the built-in one, held to diffusers itself with the same weights
// (fixtures/engine/make_engine.py): embeds of one and of two text encoders, a UNet with added conditions, an f16
// UNet with an embedded guidance scale run in f32, and whole pipelines with PAG.

import { openAsBlob } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { engineGolden as golden, goldenValues, type GoldenRun } from '../../fixtures/engine/golden';
import { INITIAL, type Settings } from '../settings/fields';
import { guidanceEmbedding } from './conditioning';
import { CpuBackend } from './cpuBackend';
import { openModel } from './testing/openModel';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { OnnxFile } from './onnxFile';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';
import { Unet } from './unet';

const backend = new CpuBackend(await loadNodeRuntime());
const never = new AbortController().signal;
const hooks = { signal: never, progress: () => {}, preview: () => {} };
const open = async (path: string) => openModel(backend, await readModelFiles(folder(path)), path);
const sd = await open('fixtures/models/tiny');
const sdxl = await open('fixtures/engine/sdxl');

const settings = {
  ...INITIAL,
  prompt: golden.prompt,
  negativePrompt: golden.negativePrompt,
  emphasis: 'plain',
  seed: golden.seed,
  steps: 4,
  guidanceScale: 4,
  pagScale: 3,
  layers: 'mid',
  compare: false,
  backend: 'wasm',
} as const satisfies Partial<Settings>;
const prompts = { positive: golden.prompt, negative: golden.negativePrompt };

/** f32 sums in another order. */
const BOUND = 2e-5;
/** Four steps of CFG 4 + PAG 3 multiply that of each forward. */
const RUN_BOUND = 1e-4;

function joined(...parts: Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

describe('prompt embeds', () => {
  test('of one text encoder: its last hidden state', async () => {
    const { cond, uncond } = await sd.prompts.encode(prompts);
    expect(relativeError(joined(uncond.hidden, cond.hidden), goldenValues(golden.sd.embeds))).toBeLessThan(BOUND);
  });

  test('of two: penultimate hidden states side by side, pooled from the second, padded each in its way', async () => {
    const { cond, uncond } = await sdxl.prompts.encode(prompts);
    expect(relativeError(joined(uncond.hidden, cond.hidden), goldenValues(golden.sdxl.embeds))).toBeLessThan(BOUND);
    expect(relativeError(joined(uncond.pooled, cond.pooled), goldenValues(golden.sdxl.pooled))).toBeLessThan(BOUND);
  });

  test('no negative prompt is zeros where the model asks for that, else an encoded empty text', async () => {
    expect((await sdxl.prompts.encode({ ...prompts, negative: '' })).uncond.hidden.every((value) => value === 0)).toBe(
      true,
    );
    expect((await sd.prompts.encode({ ...prompts, negative: '' })).uncond.hidden.some((value) => value !== 0)).toBe(
      true,
    );
  });
});

test('a UNet with pooled embeds and sizes predicts what diffusers does', async () => {
  const { unetInputs, prediction } = golden.sdxl;
  const upload = ({ shape, offset }: typeof prediction) =>
    backend.upload('float32', shape, goldenValues({ shape, offset }));
  const output = await sdxl.unet.predict(
    await sdxl.unet.prepare([]),
    {
      sample: upload(unetInputs.sample),
      timestep: goldenValues(unetInputs.timestep)[0]!,
      conditioning: {
        encoder_hidden_states: upload(unetInputs.encoder_hidden_states),
        text_embeds: upload(unetInputs.text_embeds),
        time_ids: upload(unetInputs.time_ids),
      },
      fork: [
        { source: 0, identity: 0 },
        { source: 1, identity: 0 },
      ],
    },
    never,
  );
  expect(relativeError(await backend.read(output), goldenValues(prediction))).toBeLessThan(BOUND);
});

describe('a UNet in f16 whose guidance scale is an input', async () => {
  const { lcm } = golden;
  const blob = await openAsBlob('fixtures/engine/lcm/unet/model.onnx');
  const file = await OnnxFile.open(blob, 'unet/model.onnx', { device: backend, openFile: null });
  const unet = new Unet(backend, file, { time_cond_proj_dim: lcm.embedding.shape[1]! });

  test('the scale is embedded as diffusers embeds it', () => {
    // Sines and cosines of up to 7500, whose f32 neighbours lie 5e-4 apart.
    expect(
      relativeError(guidanceEmbedding(lcm.guidance, lcm.embedding.shape[1]!), goldenValues(lcm.embedding)),
    ).toBeLessThan(1e-3);
  });

  test('in f32 it predicts what diffusers does with the same weights', async () => {
    expect(file.widened).toBe(true);
    expect(unet.sampleType).toBe('float32');
    const row = goldenValues(lcm.embedding);
    const output = await unet.predict(
      await unet.prepare([]),
      {
        sample: backend.upload('float32', lcm.sample.shape, goldenValues(lcm.sample)),
        timestep: lcm.timestep,
        conditioning: {
          encoder_hidden_states: backend.upload('float32', lcm.context.shape, goldenValues(lcm.context)),
          timestep_cond: backend.upload('float32', [2, row.length], joined(row, row)),
        },
        fork: [
          { source: 0, identity: 0 },
          { source: 1, identity: 0 },
        ],
      },
      never,
    );
    // diffusers' weights are rounded to f16 as the file's are; its inputs here are not.
    expect(relativeError(await backend.read(output), goldenValues(lcm.prediction))).toBeLessThan(1e-3);
  });

  test('where the device has f16 it stays f16', async () => {
    const native = await OnnxFile.open(blob, 'unet/model.onnx', {
      device: { f16: true, fusesAttention: true },
      openFile: null,
    });
    expect([native.widened, new Unet(backend, native, {}).sampleType]).toEqual([false, 'float16']);
  });
});

describe('whole pipelines: latents and picture equal those of diffusers', () => {
  const cases: [string, typeof sd, GoldenRun, Partial<Settings>][] = [
    ['SD, CFG and PAG', sd, golden.sd.runs.negative, {}],
    ['SD, PAG only', sd, golden.sd.runs.pagOnly, { guidanceScale: 1 }],
    ['SDXL, CFG and PAG', sdxl, golden.sdxl.runs.negative, {}],
    ['SDXL, no negative prompt', sdxl, golden.sdxl.runs.noNegative, { negativePrompt: '' }],
    ['SDXL, PAG only', sdxl, golden.sdxl.runs.pagOnly, { guidanceScale: 1 }],
  ];
  test.each(cases)('%s', async (_, model, run, changes) => {
    const result = await generate(
      model,
      { ...settings, scheduler: model === sd ? 'ddim' : 'euler', ...changes },
      hooks,
    );
    expect(relativeError(result.latents, goldenValues(run.latents))).toBeLessThan(RUN_BOUND);
    const { rgba, width } = result.pair.withPag;
    expect(width).toBe(run.image.shape[1]);
    const worst = goldenValues(run.image).reduce(
      (most, value, at) => Math.max(most, Math.abs(Math.round(255 * value) - rgba[4 * Math.floor(at / 3) + (at % 3)]!)),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1);
  });
});
