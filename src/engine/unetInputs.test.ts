// Roles of UNet inputs as exporters name and shape them, and the size of the latents that follows.

import { describe, expect, test } from 'vitest';
import { FLOAT, FLOAT16, INT64, type Model, type ValueInfo } from '../onnx/file/model';
import { besideChannels, latentShape, pixelsPerLatent } from './latentShape';
import { unetInputs } from './unetInputs';

type Dims = ValueInfo['dims'];

const input = (name: string, dims: Dims, elemType = FLOAT): ValueInfo => ({ name, dims, elemType });
const model = (...inputs: ValueInfo[]): Model => ({
  irVersion: 8,
  opsets: [],
  functions: [],
  nodes: [],
  initializers: new Map(),
  inputs,
  outputs: [],
  valueInfo: new Map(),
});

const SAMPLE = input('sample', ['b', 4, 'h', 'w']);
const TIMESTEP = input('timestep', ['steps'], INT64);
const CONTEXT = input('encoder_hidden_states', ['b', 't', 768]);

describe('roles', () => {
  test('by name, whatever the order', () => {
    const found = unetInputs(
      model(input('time_ids', ['b', 6]), CONTEXT, input('text_embeds', ['b', 1280]), TIMESTEP, SAMPLE),
      null,
    );
    expect([found.sample, found.timestep, found.context, found.timestepCond]).toEqual([
      SAMPLE,
      TIMESTEP,
      CONTEXT,
      null,
    ]);
    expect([found.textEmbeds?.name, found.timeIds?.name]).toEqual(['text_embeds', 'time_ids']);
  });

  test('by the end of a nested name', () => {
    const found = unetInputs(
      model(
        SAMPLE,
        TIMESTEP,
        CONTEXT,
        input('added_cond_kwargs.text_embeds', ['b', 1280]),
        input('added_cond_kwargs.time_ids', ['b', 6]),
      ),
      null,
    );
    expect([found.textEmbeds?.name, found.timeIds?.name]).toEqual([
      'added_cond_kwargs.text_embeds',
      'added_cond_kwargs.time_ids',
    ]);
  });

  test('by shape where names say nothing', () => {
    const inputs = [
      input('in.2', ['b', 77, 768], FLOAT16),
      input('in.1', [], FLOAT16),
      input('in.0', [2, 4, 64, 64], FLOAT16),
      input('in.3', ['b', 256], FLOAT16),
    ];
    const found = unetInputs(model(...inputs), 256);
    expect([found.context.name, found.timestep.name, found.sample.name, found.timestepCond?.name]).toEqual([
      'in.2',
      'in.1',
      'in.0',
      'in.3',
    ]);
    expect(unetInputs(model(...inputs), null).textEmbeds?.name).toBe('in.3');
  });

  test.each([
    ['an input that has no role', [SAMPLE, TIMESTEP, CONTEXT, input('controlnet', ['b', 320, 'h', 'w'])], 'controlnet'],
    ['a missing prompt', [SAMPLE, TIMESTEP], 'the prompt'],
    ['a name of the wrong rank', [input('sample', ['b', 4]), TIMESTEP, CONTEXT], 'the sample'],
    [
      'a refiner',
      [SAMPLE, TIMESTEP, CONTEXT, input('text_embeds', ['b', 1280]), input('time_ids', ['b', 5])],
      'refiner',
    ],
  ])('%s is refused by name', (_, inputs, word) => {
    expect(() => unetInputs(model(...inputs), null)).toThrow(
      expect.objectContaining({ code: 'model-invalid', message: expect.stringContaining(word) }),
    );
  });
});

describe('size of the latents', () => {
  const free = input('latent_sample', ['b', 4, 'h', 'w']);
  test('is what the config says where the graphs are free', () => {
    expect(latentShape(SAMPLE, free, { sample_size: [96, 64] })).toEqual([4, 96, 64]);
    expect(latentShape(SAMPLE, free, {})).toEqual([4, 64, 64]);
  });
  test('is what a fixed graph says', () => {
    expect(latentShape(input('sample', [2, 4, 48, 40]), free, { sample_size: 64 })).toEqual([4, 48, 40]);
    expect(latentShape(SAMPLE, input('latent_sample', [1, 4, 32, 32]), { sample_size: 64 })).toEqual([4, 32, 32]);
  });
  test('is without what a UNet for inpainting reads beside them', () => {
    const config = { sample_size: 32, in_channels: 9 };
    for (const channels of ['channels', 9]) {
      const sample = input('sample', ['b', channels, 'h', 'w']);
      expect(besideChannels(sample, config)).toBe(5);
      expect(latentShape(sample, free, config)).toEqual([4, 32, 32]);
    }
    expect(latentShape(input('sample', [2, 9, 48, 40]), input('z', [1, 4, 48, 40]), {})).toEqual([4, 48, 40]);
    expect(besideChannels(SAMPLE, {})).toBe(0);
  });
  test('cannot be two things', () => {
    expect(() => latentShape(input('sample', [2, 4, 64, 64]), input('z', [1, 4, 32, 32]), {})).toThrow(
      expect.objectContaining({ code: 'model-invalid' }),
    );
  });
  test('in pixels doubles with each resolution of the VAE', () => {
    expect([pixelsPerLatent({ block_out_channels: [128, 256, 512, 512] }), pixelsPerLatent({})]).toEqual([8, 8]);
    expect(pixelsPerLatent({ block_out_channels: [8, 16] })).toBe(2);
    // More than an AutoencoderKL's widths tell, as of the built-in model, whose decoder draws twice as large.
    expect(pixelsPerLatent({ block_out_channels: [8, 16], spatial_compression_ratio: 4 })).toBe(4);
  });
});
