// ε or v: each kind of evidence, and which one wins.

import { describe, expect, test } from 'vitest';
import { fileShapes, headerOf, real } from '../../fixtures/checkpoints/golden';
import { floatValues } from './floats';
import { identify } from './identify';
import { readPrediction, usualEdge, type Beside } from './prediction';
import type { Dtype, SafetensorsHeader } from './safetensors';

const sdxl = real['sdxl']?.parts.unet ?? {};

async function predicted(header: SafetensorsHeader, beside: Beside = {}, file = new Blob([])) {
  const { type, zeroTerminalSnr, evidence } = await readPrediction(header, identify(header), file, beside);
  return `${type}${zeroTerminalSnr ? ' to zero SNR' : ''}: ${evidence}`;
}

const stated = (metadata: Readonly<Record<string, string>>): SafetensorsHeader => ({
  ...headerOf(sdxl),
  metadata: new Map(Object.entries(metadata)),
});

test.each<[string, SafetensorsHeader, Beside]>([
  ['epsilon: assumed', headerOf(sdxl), {}],
  ['v_prediction: marker', headerOf({ ...sdxl, v_pred: [0] }), {}],
  ['v_prediction to zero SNR: marker', headerOf({ ...sdxl, v_pred: [0], ztsnr: [0] }), {}],
  ['epsilon to zero SNR: assumed', headerOf({ ...sdxl, ztsnr: [0] }), {}],
  ['v_prediction: metadata', stated({ 'modelspec.prediction_type': 'v' }), {}],
  ['epsilon: metadata', stated({ 'modelspec.prediction_type': 'epsilon' }), { yaml: 'parameterization: "v"' }],
  ['v_prediction: metadata', stated({ 'modelspec.architecture': 'stable-diffusion-v2-768-v/x' }), {}],
  ['v_prediction: yaml', headerOf(sdxl), { yaml: 'model:\n  params:\n    parameterization: "v"\n' }],
  ['v_prediction: yaml', headerOf(sdxl), { yaml: 'target: sgm.modules.diffusionmodules.denoiser_scaling.VScaling' }],
  ['epsilon: assumed', headerOf(sdxl), { yaml: 'model:\n  params:\n    parameterization: "eps"\n    v: 1\n' }],
  [
    'epsilon to zero SNR: scheduler',
    headerOf({ ...sdxl, v_pred: [0] }),
    { scheduler: { prediction_type: 'epsilon', rescale_betas_zero_snr: true } },
  ],
  ['sample: scheduler', headerOf(sdxl), { scheduler: { prediction_type: 'sample' } }],
])('%s', async (wanted, header, beside) => {
  expect(await predicted(header, beside)).toBe(wanted);
});

describe('SD 2 shows it in one small tensor', () => {
  const key = 'model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias';

  // 320 numbers that deviate by 0.125, or by half of that.
  test.each<[string, Dtype, plus: number, minus: number, edge: number]>([
    ['v_prediction: weights', 'F16', 0x3000, 0xb000, 768],
    ['epsilon: weights', 'F16', 0x2c00, 0xac00, 512],
    ['v_prediction: weights', 'BF16', 0x3e00, 0xbe00, 768],
    ['epsilon: weights', 'BF16', 0x3d80, 0xbd80, 512],
  ])('%s, in %s', async (wanted, dtype, plus, minus, edge) => {
    const header = headerOf(fileShapes(real['sd2']!), dtype);
    const { offset = 0, length = 0 } = header.tensors.get(key) ?? {};
    const bytes = Uint16Array.from({ length: 320 }, (_, at) => (at % 2 ? plus : minus));
    const file = {
      slice: (from: number, to: number) => new Blob(from === offset && to === offset + length ? [bytes] : []),
    };
    expect(await predicted(header, {}, file as Blob)).toBe(wanted);
    const found = identify(header);
    expect(usualEdge(found, await readPrediction(header, found, file as Blob), header)).toBe(edge);
  });

  test('inpainting is not asked', async () => {
    const shapes = { ...real['sd2']?.parts.unet, 'conv_in.weight': [320, 9, 3, 3] };
    expect(await predicted(headerOf(shapes))).toBe('epsilon: assumed');
  });

  test.each([
    ['tiny-sd', 512],
    ['vega', 1024],
  ])('%s is made for one size', async (family, edge) => {
    const header = headerOf(real[family]?.parts.unet ?? {});
    const found = identify(header);
    const prediction = await readPrediction(header, found, new Blob());
    expect(usualEdge(found, prediction, header)).toBe(edge);
    const stated = (resolution: string) =>
      usualEdge(found, prediction, { ...header, metadata: new Map([['modelspec.resolution', resolution]]) });
    expect(stated('640x640')).toBe(640);
    // What is no edge of ours is not believed.
    expect(['0x0', '640x512', '100x100', '99999x99999', 'large'].map(stated)).toEqual(Array(5).fill(edge));
  });
});

describe('numbers of small types', () => {
  test.each<[Dtype, readonly number[], readonly number[]]>([
    ['BF16', [0xc0, 0x3f, 0x00, 0xc0, 0x80, 0x7f, 0x01, 0x00], [1.5, -2, Infinity, 2 ** -133]],
    ['F16', [0x00, 0x3c, 0x01, 0x00, 0xff, 0x7b, 0x00, 0xfc, 0x00, 0x80], [1, 2 ** -24, 65504, -Infinity, -0]],
    ['F8_E4M3', [0x7e, 0x01, 0x38, 0x80, 0xff], [448, 2 ** -9, 1, -0, NaN]],
    ['F8_E5M2', [0x38, 0x7c, 0x7d, 0x01, 0xc0], [0.5, Infinity, NaN, 2 ** -16, -2]],
    ['F64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], [1.5]],
  ])('%s', (dtype, bytes, values) => {
    expect([...(floatValues(dtype, Uint8Array.of(9, ...bytes).subarray(1)) ?? [])]).toEqual(values);
  });

  test('whole numbers are no weights', () => {
    expect(floatValues('I64', new Uint8Array(8))).toBeNull();
  });
});
