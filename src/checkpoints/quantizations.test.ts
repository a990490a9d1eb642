// Which scales beside f8 weights are read, and what is refused by name: other forms of quantization, scales that fit no
// rows, and configs that say that weights were turned.

import { describe, expect, test } from 'vitest';
import { headerOf, real, type Shape } from '../../fixtures/checkpoints/golden';
import { UNET_NETWORK } from '../configs/networkConfigs';
import { check } from '../configs/readJson';
import { EngineError } from '../protocol/errors';
import { identify, type Configs } from './identify';
import type { Dtype, SafetensorsHeader, StoredTensor } from './safetensors';
import { scaleOf } from './tensorSources';

type Extra = Readonly<Record<string, readonly [Dtype, Shape]>>;

const TO_K = 'mid_block.attentions.0.transformer_blocks.0.attn2.to_k';
const CONV = 'conv_in';
const shapes = real['sd1']!.parts.unet!;

/** SD 1's UNet in f8 with these tensors too, or in place of its own. */
function unetWith(extra: Extra): SafetensorsHeader {
  const header = headerOf(shapes, 'F8_E4M3');
  const tensors = new Map<string, StoredTensor>(header.tensors);
  for (const [key, [dtype, shape]] of Object.entries(extra))
    tensors.set(key, { dtype, shape, offset: 1e12, length: 4 });
  return { ...header, tensors };
}

function refusal(header: SafetensorsHeader, configs: Configs = {}): string {
  try {
    identify(header, configs);
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).code).toBe('model-invalid');
    return (error as EngineError).message;
  }
  throw new Error('It was taken.');
}

describe('scales that are read', () => {
  test.each<[string, string, Dtype, Shape, number]>([
    ['one number', `${TO_K}.scale_weight`, 'F32', [], 1],
    ['one number', `${TO_K}.weight_scale`, 'F16', [1, 1], 1],
    ['one number', `${CONV}.scale`, 'F32', [1], 1],
    ['one a row', `${TO_K}.weight_scale`, 'F32', [1280], 1280],
    ['one a row', `${TO_K}.weight_scale`, 'BF16', [1280, 1], 1280],
    ['one a row', `${TO_K}.scale_weight`, 'F32', [1280, 1, 1], 1280],
    ['one a row', `${TO_K}.scale`, 'F16', [1280, 1], 1280],
    ['one an output channel', `${CONV}.weight_scale`, 'F32', [320], 320],
    ['one an output channel', `${CONV}.scale`, 'F32', [320, 1, 1, 1], 320],
  ])('%s: %s', (_, key, dtype, shape, count) => {
    const { unet, unknown } = identify(unetWith({ [key]: [dtype, shape], scaled_fp8: ['F8_E4M3', [2]] }));
    expect(unknown).toEqual([]);
    const module = key.slice(0, key.lastIndexOf('.'));
    expect(scaleOf(unet!.sources.get(`${module}.weight`)!)).toMatchObject({ offset: 1e12, count });
    expect(scaleOf(unet!.sources.get('conv_out.weight')!)).toBeNull();
  });

  test('a scale that is another module’s own is none of a weight', () => {
    const { unknown } = identify(unetWith({ 'stranger.scale': ['F32', [3]], 'conv_norm_out.scale': ['F16', [320]] }));
    expect(unknown).toEqual(['stranger.scale']);
    const half = headerOf(shapes);
    half.tensors.set('conv_in.scale', { dtype: 'F16', shape: [320], offset: 0, length: 640 });
    expect(identify(half).unknown).toEqual(['conv_in.scale']);
  });
});

const BLOCKS = 'have a scale for each block of numbers, which Pagoda does not read. Choose its f16';
const ODD = 'are scaled in a way that Pagoda does not know. Choose its f16';

describe('scales that are refused', () => {
  test.each<[string, Extra, string]>([
    ['blocks of 128 × 128', { [`${TO_K}.weight_scale`]: ['F32', [10, 6]] }, BLOCKS],
    ['blocks along a row', { [`${TO_K}.scale_weight`]: ['F32', [1280, 12, 1]] }, BLOCKS],
    ['one an input', { [`${TO_K}.weight_scale`]: ['F32', [1, 768]] }, BLOCKS],
    ['one an element of the kernel', { [`${CONV}.scale`]: ['F32', [320, 1, 3, 3]] }, BLOCKS],
    ['MXFP8', { [`${TO_K}.weight_scale`]: ['U8', [1280, 24]] }, BLOCKS],
    ['exponents a row', { [`${TO_K}.weight_scale`]: ['F8_E8M0', [1280, 1]] }, BLOCKS],
    ['of no row', { [`${TO_K}.weight_scale`]: ['F32', [0]] }, BLOCKS],
    ['a number too few', { [`${TO_K}.weight_scale`]: ['F32', [1279]] }, BLOCKS],
    ['more than there are', { [`${TO_K}.weight_scale`]: ['F32', [2 ** 40]] }, BLOCKS],
    ['two', { [`${TO_K}.weight_scale`]: ['F32', []], [`${TO_K}.scale_weight`]: ['F32', []] }, ODD],
    ['of no weight', { 'stranger.weight_scale': ['F32', []] }, ODD],
    ['of a weight that is not f8', { [`${TO_K}.weight_scale`]: ['F32', []], [`${TO_K}.weight`]: ['F16', [4]] }, ODD],
  ])('%s', (_, extra, message) => {
    expect(refusal(unetWith(extra))).toContain(message);
  });
});

describe('other quantizations', () => {
  test.each<[string, Extra]>([
    ['4-bit numbers of bitsandbytes', { [`${TO_K}.weight.quant_state.bitsandbytes__nf4`]: ['U8', [88]] }],
    ['4-bit numbers of bitsandbytes', { [`${TO_K}.weight.absmax`]: ['F32', [15360]] }],
    ['8-bit integers of bitsandbytes', { [`${TO_K}.SCB`]: ['F32', [1280]] }],
    ['NVFP4', { [`${TO_K}.weight_scale_2`]: ['F32', []] }],
    ['f8 in blocks with inverse scales', { [`${TO_K}.weight_scale_inv`]: ['F32', [10, 6]] }],
    ['zero points', { [`${TO_K}.zero_point`]: ['F32', [1280, 1]] }],
    ['SVDQuant', { [`${TO_K}.svd_up`]: ['F16', [1280, 32]] }],
    ['packed integers', { [`${TO_K}.qweight`]: ['I32', [1280, 96]] }],
    ['optimum-quanto', { [`${TO_K}.weight._data`]: ['F8_E4M3', [1280, 768]] }],
    ['torchao', { [`${TO_K}._weight_qdata`]: ['F8_E4M3', [1280, 768]] }],
    ['numbers of type I8', { [`${TO_K}.weight`]: ['I8', [1280, 768]], [`${TO_K}.weight_scale`]: ['F32', []] }],
    ['numbers of type U8', { [`${TO_K}.weight`]: ['U8', [491520, 1]] }],
  ])('%s', (name, extra) => {
    const message = refusal(unetWith(extra));
    expect(message).toContain('The weights of this file are quantized as ');
    expect(message).toContain(name);
    expect(message).toContain('Choose its f16, or an f8 with one scale a weight or one a row.');
  });

  test('a config that says that weights were turned', () => {
    const config = (use_hadamard: boolean) => ({ quantization_config: { quant_method: 'sdnq', use_hadamard } });
    const configs = (turned: boolean): Configs => ({ unet: check(UNET_NETWORK, 'c', sd1(config(turned))) });
    expect(identify(unetWith({}), configs(false)).family?.id).toBe('sd1');
    expect(refusal(unetWith({}), configs(true))).toContain('rotated numbers (Hadamard)');
  });

  test('another network is told by its name, however its weights are scaled', () => {
    const header = headerOf({ 'double_blocks.0.img_attn.norm.key_norm.scale': [128] });
    header.tensors.set('double_blocks.0.img_attn.qkv.weight_scale_2', {
      dtype: 'F16',
      shape: [],
      offset: 0,
      length: 2,
    });
    expect(refusal(header)).toContain('This is Flux,');
  });
});

function sd1(more: object): object {
  return { ...real['sd1']!.configs.unet, ...more };
}
