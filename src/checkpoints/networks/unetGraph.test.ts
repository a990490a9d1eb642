// UNets as we write them, held to diffusers with the same weights (fixtures/checkpoints/make_networks.py): all block
// types, odd latents, every attn1 found under its name, and cut at sites it predicts what diffusers does with PAG.

import { describe, expect, test } from 'vitest';
import { golden, storedWeights, structureOf, valuesOf } from '../../../fixtures/checkpoints/networks';
import { CpuBackend } from '../../engine/cpuBackend';
import { CPU_F32 } from '../../engine/testing/bounds';
import { loadNodeRuntime } from '../../engine/testing/nodeRuntime';
import { relativeError } from '../../engine/testing/unetChecks';
import { FLOAT, FLOAT16 } from '../../onnx/file/model';
import { openUnet, predict } from './testing/built';

const backend = new CpuBackend(await loadNodeRuntime());

describe.each(['sd', 'sdxl', 'ssd', 'koala', 'lcm'] as const)('%s', (name) => {
  const { sets, predictions, sites } = golden.unets[name];

  test('it predicts what diffusers does, with PAG at its sites too', async () => {
    const { unet, asked } = openUnet(name, FLOAT, backend);
    expect([...asked].sort()).toEqual([...storedWeights(name).names].sort());
    expect(unet.sites.map((site) => ({ name: site.name, heads: site.heads }))).toEqual(sites);
    expect(unet.refused.size).toBe(0);
    const plain = valuesOf(predictions.none!);
    for (const [set, perturbed] of Object.entries(sets)) {
      const expected = valuesOf(predictions[set]!);
      expect(relativeError(await predict(unet, name, perturbed, backend), expected), set).toBeLessThan(CPU_F32);
      if (set !== 'none') expect(relativeError(expected, plain), `${set} matters`).toBeGreaterThan(100 * CPU_F32);
    }
    await unet.dispose();
  });
});

test('what its sites cost is known, also where sizes are odd on the way up', () => {
  const { unet } = openUnet('sdxl', FLOAT, backend);
  const costs = unet.costs([4, 13, 22]);
  // Levels of 7 × 11 and of 4 × 6 tokens, down and up again.
  expect(costs.map(({ tokens }) => tokens)).toEqual([
    ...new Array<number>(4).fill(77),
    ...new Array<number>(6 + 3 + 9).fill(24),
    ...new Array<number>(6).fill(77),
  ]);
  const shares = costs.map(({ share }) => share ?? NaN);
  expect(shares.every((share, index) => share > 0 && share < (shares[index - 1] ?? 1))).toBe(true);
});

test('built in f16, it is widened where the device has none: what was rounded to f16 are a few constants', async () => {
  const { unet, file } = openUnet('sd', FLOAT16, backend);
  expect(file.widened).toBe(true);
  const expected = valuesOf(golden.unets.sd.predictions.none!);
  expect(relativeError(await predict(unet, 'sd', [], backend), expected)).toBeLessThan(1e-3);
  await unet.dispose();
});

test('a config that says what is not built here is refused, by the field', () => {
  const detail = (change: object) => {
    try {
      structureOf('sd', change);
      return null;
    } catch (error) {
      return (error as { detail: string }).detail.replace('unet/config.json: ', '');
    }
  };
  expect(detail({})).toBe(null);
  expect(detail({ only_cross_attention: [false, false, false], num_class_embeds: null })).toBe(null);
  expect(detail({ only_cross_attention: [true, false, false] })).toMatch(/^only_cross_attention/);
  expect(detail({ class_embed_type: 'timestep' })).toMatch(/^class_embed_type/);
  expect(detail({ down_block_types: ['AttnDownBlock2D', 'DownBlock2D', 'DownBlock2D'] })).toMatch(/AttnDownBlock2D/);
  expect(detail({ attention_head_dim: [2, 3] })).toMatch(/^attention_head_dim/);
  expect(detail({ attention_head_dim: 5 })).toMatch(/^attention_head_dim/);
  expect(detail({ norm_num_groups: 5 })).toMatch(/^norm_num_groups/);
  expect(detail({ transformer_layers_per_block: [[1], [1], [1]] })).toMatch(/^transformer_layers_per_block/);
  expect(detail({ addition_embed_type: 'text_time' })).toMatch(/^projection_class_embeddings_input_dim/);
});
