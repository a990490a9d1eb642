// The structure of a UNet2DConditionModel, in the fields of diffusers' config.json but normalized: a list has one
// entry a level, a depth one a transformer. It is read from the shapes of the parameters, or from the config.json
// beside them.

import type { UnetNetwork } from '../configs/networkConfigs';
import { EngineError } from '../protocol/errors';
import { countOf, MOST, type Shapes } from './shapes';

export interface UnetStructure {
  readonly in_channels: number;
  readonly out_channels: number;
  /** Edges of the latents that it was made for: one, or height and width. Absent where nothing tells. */
  readonly sample_size?: number | readonly number[];
  /** One a level, from the finest. */
  readonly block_out_channels: readonly number[];
  readonly down_block_types: readonly ('CrossAttnDownBlock2D' | 'DownBlock2D')[];
  readonly mid_block_type: 'UNetMidBlock2DCrossAttn' | 'UNetMidBlock2D' | null;
  readonly up_block_types: readonly ('CrossAttnUpBlock2D' | 'UpBlock2D')[];
  /** Resnets of a down block; an up block has one more. */
  readonly layers_per_block: number;
  /** Transformer blocks behind each resnet of each down block; 0 where the block has no attention. */
  readonly transformer_layers_per_block: readonly (readonly number[])[];
  /** Transformer blocks in the middle; 0 without attention. */
  readonly mid_transformer_layers: number;
  /** The same of each up block, in the order in which they run. */
  readonly reverse_transformer_layers_per_block: readonly (readonly number[])[];
  /** One a level, from the finest; the middle has the last. */
  readonly num_attention_heads: readonly number[];
  readonly cross_attention_dim: number;
  readonly use_linear_projection: boolean;
  readonly addition_embed_type: 'text_time' | null;
  /** Width of the embedding of one number of SDXL's size and crop. */
  readonly addition_time_embed_dim: number | null;
  /** Width of pooled text and those embeddings together. */
  readonly projection_class_embeddings_input_dim: number | null;
  /** LCM: width of the embedding by which the guidance scale is an input. */
  readonly time_cond_proj_dim: number | null;
  readonly norm_num_groups: number;
  readonly norm_eps: number;
  /** Whether its attention has logits beyond f16, so that they are computed in f32. */
  readonly upcast_attention: boolean;
}

/** SDXL's base has six time ids: two sizes and a corner. */
export const TIME_IDS = 6;

/** What no shape tells: a rule of the family. */
export interface UnetRules {
  readonly heads: (channels: number) => number;
  readonly addition_time_embed_dim: number;
  readonly sample_size?: number;
  readonly upcast_attention: boolean;
}

/** @throws EngineError `model-invalid` where the parameters are not those of a whole UNet. */
export function unetFromShapes(shapes: Shapes, rules: UnetRules): UnetStructure {
  const of = (name: string, axis: number) => {
    const size = shapes.get(name)?.[axis];
    if (size === undefined) throw incomplete(`${name} is not there, or has other axes.`);
    return size;
  };
  const levels = countOf(shapes, MOST.levels, (level) => `down_blocks.${level}.resnets.0.conv1.weight`);
  const layers = countOf(shapes, MOST.layers, (layer) => `down_blocks.0.resnets.${layer}.conv1.weight`);
  const channels = listOf(levels, (level) => of(`down_blocks.${level}.resnets.0.conv2.weight`, 0));
  const depth = (attention: string) =>
    countOf(shapes, MOST.depth, (at) => `${attention}.transformer_blocks.${at}.attn1.to_q.weight`);
  const down = listOf(levels, (level) => listOf(layers, (at) => depth(`down_blocks.${level}.attentions.${at}`)));
  const up = listOf(levels, (level) => listOf(layers + 1, (at) => depth(`up_blocks.${level}.attentions.${at}`)));
  const mid = depth('mid_block.attentions.0');
  if (levels > MOST.levels || layers > MOST.layers || [down, up, mid].flat(2).some((each) => each > MOST.depth))
    throw incomplete(`${levels} levels of ${layers} resnets`);
  const first = [...shapes.keys()].find((name) => name.endsWith('.transformer_blocks.0.attn2.to_k.weight'));
  if (first === undefined) throw incomplete('There is no cross-attention.');
  const projection = first.replace('transformer_blocks.0.attn2.to_k', 'proj_in');
  const added = shapes.get('add_embedding.linear_1.weight')?.[1] ?? null;
  return even({
    in_channels: of('conv_in.weight', 1),
    out_channels: of('conv_out.weight', 0),
    ...(rules.sample_size !== undefined && { sample_size: rules.sample_size }),
    block_out_channels: channels,
    down_block_types: down.map((depths) => (attends(depths) ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    mid_block_type:
      mid > 0 ? 'UNetMidBlock2DCrossAttn' : shapes.has('mid_block.resnets.0.conv1.weight') ? 'UNetMidBlock2D' : null,
    up_block_types: up.map((depths) => (attends(depths) ? 'CrossAttnUpBlock2D' : 'UpBlock2D')),
    layers_per_block: layers,
    transformer_layers_per_block: down,
    mid_transformer_layers: mid,
    reverse_transformer_layers_per_block: up,
    num_attention_heads: channels.map(rules.heads),
    cross_attention_dim: of(first, 1),
    use_linear_projection: shapes.get(projection)?.length === 2,
    addition_embed_type: added === null ? null : 'text_time',
    addition_time_embed_dim: added === null ? null : rules.addition_time_embed_dim,
    projection_class_embeddings_input_dim: added,
    time_cond_proj_dim: shapes.get('time_embedding.cond_proj.weight')?.[1] ?? null,
    norm_num_groups: 32,
    norm_eps: 1e-5,
    upcast_attention: rules.upcast_attention,
  });
}

/** Fields that have to say this, or nothing, for the network to be the one that is known here. */
const USUAL: Partial<{ [Field in keyof UnetNetwork]: readonly unknown[] }> = {
  _class_name: ['UNet2DConditionModel'],
  act_fn: ['silu', 'swish'],
  flip_sin_to_cos: [true],
  freq_shift: [0],
  dual_cross_attention: [false],
  class_embed_type: [],
  num_class_embeds: [],
  encoder_hid_dim: [],
  encoder_hid_dim_type: [],
  addition_embed_type: ['text_time'],
  resnet_time_scale_shift: ['default'],
  resnet_skip_time_act: [false],
  resnet_out_scale_factor: [1],
  time_embedding_type: ['positional'],
  time_embedding_dim: [],
  time_embedding_act_fn: [],
  timestep_post_act: [],
  conv_in_kernel: [3],
  conv_out_kernel: [3],
  downsample_padding: [1],
  mid_block_scale_factor: [1],
  mid_block_only_cross_attention: [false],
  center_input_sample: [false],
  attention_type: ['default'],
  cross_attention_norm: [],
  class_embeddings_concat: [false],
};
const DOWN = ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'];
const UP = ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'];

/**
 * What config.json says, with diffusers' defaults.
 * @throws EngineError `model-invalid` that names the field by which it is another network.
 */
export function unetFromConfig(config: UnetNetwork): UnetStructure {
  for (const [field, usual] of Object.entries(USUAL)) {
    const value = config[field as keyof UnetNetwork];
    if (value !== undefined && !usual.includes(value)) throw unknown(field, value);
  }
  if ([config.only_cross_attention].flat().some((flag) => flag === true)) throw unknown('only_cross_attention', true);
  const channels = config.block_out_channels ?? [320, 640, 1280, 1280];
  const levels = channels.length;
  const downTypes = config.down_block_types ?? DOWN;
  const upTypes = config.up_block_types ?? UP;
  const midType = config.mid_block_type === 'none' ? null : (config.mid_block_type ?? 'UNetMidBlock2DCrossAttn');
  const layers = same('layers_per_block', config.layers_per_block ?? 2);
  const depths = perLevel(config.transformer_layers_per_block ?? 1, levels);
  const reverse = perLevel(config.reverse_transformer_layers_per_block ?? [...depths].reverse(), levels);
  // diffusers' attention_head_dim is the number of heads.
  const heads = perLevel(config.num_attention_heads ?? config.attention_head_dim ?? 8, levels);
  const blocks = (types: readonly string[], known: readonly [string, string], each: Depths, count: number) =>
    types.map((type, level) => {
      if (!known.includes(type)) throw unknown('block types', type);
      const depth = type === known[0] ? each[level] : 0;
      if (typeof depth !== 'object') return listOf(count, () => depth ?? 0);
      if (depth.length < count) throw unknown('transformer_layers_per_block', each);
      return depth.slice(0, count);
    });
  if (depths.length !== levels || reverse.length !== levels) throw unknown('transformer_layers_per_block', depths);
  if (heads.length !== levels) throw unknown('attention_head_dim', heads);
  if (downTypes.length !== levels || upTypes.length !== levels) throw unknown('block types', downTypes.length);
  if (![null, 'UNetMidBlock2DCrossAttn', 'UNetMidBlock2D'].includes(midType)) throw unknown('mid_block_type', midType);
  const last = depths.at(-1);
  return even({
    in_channels: config.in_channels ?? 4,
    out_channels: config.out_channels ?? 4,
    ...(config.sample_size !== undefined && { sample_size: config.sample_size }),
    block_out_channels: channels,
    down_block_types: downTypes as UnetStructure['down_block_types'],
    mid_block_type: midType as UnetStructure['mid_block_type'],
    up_block_types: upTypes as UnetStructure['up_block_types'],
    layers_per_block: layers,
    transformer_layers_per_block: blocks(downTypes, ['CrossAttnDownBlock2D', 'DownBlock2D'], depths, layers),
    mid_transformer_layers:
      midType === 'UNetMidBlock2DCrossAttn' ? ((typeof last === 'object' ? last[0] : last) ?? 1) : 0,
    reverse_transformer_layers_per_block: blocks(upTypes, ['CrossAttnUpBlock2D', 'UpBlock2D'], reverse, layers + 1),
    num_attention_heads: heads,
    cross_attention_dim: same('cross_attention_dim', config.cross_attention_dim ?? 1280),
    use_linear_projection: config.use_linear_projection ?? false,
    addition_embed_type: config.addition_embed_type === undefined ? null : 'text_time',
    addition_time_embed_dim: config.addition_time_embed_dim ?? null,
    projection_class_embeddings_input_dim: config.projection_class_embeddings_input_dim ?? null,
    time_cond_proj_dim: config.time_cond_proj_dim ?? null,
    norm_num_groups: config.norm_num_groups ?? 32,
    norm_eps: config.norm_eps ?? 1e-5,
    upcast_attention: config.upcast_attention ?? false,
  });
}

/** @throws EngineError `model-invalid` where channels do not divide into heads or groups, or nothing is added. */
function even(structure: UnetStructure): UnetStructure {
  const { block_out_channels: channels, num_attention_heads: heads, norm_num_groups: groups } = structure;
  if (channels.some((count) => count % groups !== 0)) throw unknown('norm_num_groups', groups);
  const { transformer_layers_per_block: down, reverse_transformer_layers_per_block: up } = structure;
  channels.forEach((count, level) => {
    const attending = attends([...down[level]!, ...up[channels.length - 1 - level]!]);
    if (attending && count % heads[level]! !== 0) throw unknown('attention_head_dim', heads);
  });
  const { addition_embed_type: type, addition_time_embed_dim: width } = structure;
  const { projection_class_embeddings_input_dim: added } = structure;
  if (type !== null && (width === null || width < 2 || added === null || added <= TIME_IDS * width))
    throw unknown('projection_class_embeddings_input_dim', added);
  return structure;
}

type Depths = readonly (number | readonly number[])[];

function perLevel<T>(value: number | readonly T[], levels: number): readonly (number | T)[] {
  return typeof value === 'number' ? listOf(levels, () => value) : value;
}

function same(field: string, value: number | readonly number[]): number {
  const [first, ...others] = typeof value === 'number' ? [value] : value;
  if (first === undefined || others.some((other) => other !== first)) throw unknown(field, value);
  return first;
}

function attends(depths: readonly number[]): boolean {
  return depths.some((depth) => depth > 0);
}

function listOf<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

function unknown(field: string, value: unknown): EngineError {
  return new EngineError(
    'model-invalid',
    `This model’s UNet is of a kind that Pagoda does not know. Choose another model.`,
    `unet/config.json: ${field} is ${JSON.stringify(value)}`,
  );
}

function incomplete(detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    'This file’s UNet is not whole, or not one of Stable Diffusion. Choose another model.',
    detail,
  );
}
