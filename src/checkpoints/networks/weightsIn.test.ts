// Networks of a checkpoint's own tensors: what is packed or lies transposed there gives the same text encoder, and the
// structures that are read from checkpoints are those that networks are built of.

import { expect, test } from 'vitest';
import { golden, storedWeights, valuesOf } from '../../../fixtures/checkpoints/networks';
import { CpuBackend } from '../../engine/cpuBackend';
import { OnnxFile } from '../../engine/onnxFile';
import { loadNodeRuntime } from '../../engine/testing/nodeRuntime';
import { relativeError } from '../../engine/testing/unetChecks';
import { FLOAT } from '../../onnx/file/model';
import { clipParameters, type ClipConfig } from '../clipConfig';
import type { TensorSource } from '../tensorSources';
import { readHeader } from '../safetensors';
import type { UnetStructure } from '../unetConfig';
import { unetParameters } from '../unetParameters';
import { vaeParameters, type VaeStructure } from '../vaeConfig';
import { clipText } from './clipText';
import { unet } from './unetGraph';
import { vaeDecoder, vaeEncoder } from './vae';
import { weightsIn } from './weightsIn';

const backend = new CpuBackend(await loadNodeRuntime());

test('q, k and v in one tensor, and a projection the other way round', async () => {
  const { openFile } = storedWeights('openclip');
  const file = await openFile();
  const { tensors } = await readHeader(file);
  const sources = new Map<string, TensorSource>();
  const parts: Blob[] = [];
  let offset = 0;
  const append = async (names: readonly string[], turned: boolean) => {
    const stored = names.map((name) => tensors.get(name)!);
    const [rows = 0, columns = 1] = stored[0]!.shape;
    const bytes = await Promise.all(stored.map((one) => file.slice(one.offset, one.offset + one.length).arrayBuffer()));
    let all = new Uint16Array(await new Blob(bytes).arrayBuffer());
    if (turned) all = all.map((_, at) => all[(at % rows) * columns + Math.floor(at / rows)]!);
    const shape = turned ? [columns, rows] : [rows * names.length, ...stored[0]!.shape.slice(1)];
    const tensor = { dtype: 'F16', shape, offset, length: all.byteLength } as const;
    names.forEach((name, at) => {
      const mine = names.length > 1 ? { rows: [at * rows, (at + 1) * rows] as const } : {};
      sources.set(name, {
        tensor,
        shape: stored[at]!.shape,
        ...mine,
        ...(turned ? { transposed: true as const } : {}),
      });
    });
    parts.push(new Blob([all]));
    offset += all.byteLength;
  };
  for (const name of tensors.keys()) {
    if (/[kv]_proj/.test(name)) continue;
    const packed = name.includes('q_proj')
      ? ['q_proj', 'k_proj', 'v_proj'].map((p) => name.replace('q_proj', p))
      : [name];
    await append(packed, name.startsWith('text_projection'));
  }
  const { config, inputs, outputs } = golden.texts.openclip;
  const weight = weightsIn(sources, 'packed.safetensors');
  const model = clipText(config, { weight, type: FLOAT, splitsGelu: false, projects: true });
  const opened = (path: string) =>
    path === 'packed.safetensors' ? Promise.resolve(new Blob(parts)) : Promise.reject(new Error(path));
  const built = OnnxFile.built(model, 'packed.safetensors', { device: backend, openFile: opened });
  const session = await built.session(backend, built.upTo(['text_embeds']));
  const ids = inputs.input_ids!;
  const made = await session.run({ input_ids: backend.upload('int32', ids.shape, valuesOf(ids)) });
  expect(relativeError(await backend.read(made.text_embeds!), valuesOf(outputs.pooled!))).toBeLessThan(5e-6);
  expect(() => weightsIn(new Map(), 'it.safetensors')('x', [1])).toThrow(/it.safetensors lacks/);
});

/** SDXL's structure, as it is read from a checkpoint. */
const SDXL: UnetStructure = {
  in_channels: 4,
  out_channels: 4,
  block_out_channels: [320, 640, 1280],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  mid_block_type: 'UNetMidBlock2DCrossAttn',
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 2,
  transformer_layers_per_block: [
    [0, 0],
    [2, 2],
    [10, 10],
  ],
  mid_transformer_layers: 10,
  reverse_transformer_layers_per_block: [
    [10, 10, 10],
    [2, 2, 2],
    [0, 0, 0],
  ],
  num_attention_heads: [5, 10, 20],
  cross_attention_dim: 2048,
  use_linear_projection: true,
  addition_embed_type: 'text_time',
  addition_time_embed_dim: 256,
  projection_class_embeddings_input_dim: 2816,
  time_cond_proj_dim: null,
  norm_num_groups: 32,
  norm_eps: 1e-5,
  upcast_attention: false,
};
const VAE: VaeStructure = {
  in_channels: 3,
  out_channels: 3,
  latent_channels: 4,
  block_out_channels: [128, 256, 512, 512],
  layers_per_block: 2,
  scaling_factor: 0.13025,
  shift_factor: null,
  latents_mean: null,
  latents_std: null,
  use_quant_conv: true,
  use_post_quant_conv: true,
  norm_num_groups: 32,
  force_upcast: null,
  halves: ['encoder', 'decoder'],
};
const BIG_G: ClipConfig = {
  vocab_size: 49408,
  max_position_embeddings: 77,
  hidden_size: 1280,
  intermediate_size: 5120,
  num_hidden_layers: 32,
  num_attention_heads: 20,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-5,
  projection_dim: 1280,
};

test('networks ask for exactly the parameters that a checkpoint is searched for, with their shapes', () => {
  const asked = new Map<string, readonly number[]>();
  const weight = (name: string, shape: readonly number[]) => {
    asked.set(name, shape);
    const range = { location: 'it', offset: 0, length: 4 * shape.reduce((product, size) => product * size, 1) };
    return { name, dims: shape, dataType: FLOAT, raw: null, range, encoded: null };
  };
  const options = { weight, type: FLOAT, splitsGelu: false } as const;
  const bare = (shapes: ReadonlyMap<string, readonly number[]>) =>
    [...shapes].map(([name, shape]) => `${name} ${shape.filter((size) => size !== 1).join()}`).sort();
  unet(SDXL, options);
  expect(asked.size).toBe(1680);
  expect(bare(asked)).toEqual(bare(unetParameters(SDXL)));
  asked.clear();
  vaeDecoder(VAE, options);
  vaeEncoder(VAE, options);
  expect(bare(asked)).toEqual(bare(vaeParameters(VAE)));
  asked.clear();
  clipText(BIG_G, { ...options, projects: true });
  expect(bare(asked)).toEqual(bare(clipParameters(BIG_G)));
});
