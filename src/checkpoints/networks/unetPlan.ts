// What a `unet/config.json` of diffusers says of a UNet2DConditionModel, with diffusers' own defaults, as one level
// after the other. Whatever a field says beyond what is built here is refused, never ignored.

import { EngineError } from '../../protocol/errors';

/** One for all levels, or one each. */
type EachLevel<T> = T | readonly T[];

/**
 * Field names and defaults of diffusers' UNet2DConditionModel. `attention_head_dim` is the number of heads: a name that
 * diffusers cannot take back.
 */
export interface UnetArchitecture {
  readonly sample_size?: number | readonly number[] | null;
  readonly in_channels?: number;
  readonly out_channels?: number;
  readonly flip_sin_to_cos?: boolean;
  readonly freq_shift?: number;
  readonly down_block_types?: readonly string[];
  readonly mid_block_type?: string | null;
  readonly up_block_types?: readonly string[];
  readonly block_out_channels?: readonly number[];
  readonly layers_per_block?: EachLevel<number>;
  readonly norm_num_groups?: number;
  readonly norm_eps?: number;
  readonly cross_attention_dim?: EachLevel<number>;
  /** Of a level, or of each of its resnets. */
  readonly transformer_layers_per_block?: EachLevel<EachLevel<number>>;
  readonly reverse_transformer_layers_per_block?: readonly EachLevel<number>[] | null;
  readonly attention_head_dim?: EachLevel<number>;
  /** The same by its right name, which no published config has. */
  readonly num_attention_heads?: EachLevel<number> | null;
  /** Of the middle; the first that the last level says if not given. */
  readonly mid_transformer_layers?: number;
  readonly addition_embed_type?: string | null;
  readonly addition_time_embed_dim?: number | null;
  readonly projection_class_embeddings_input_dim?: number | null;
  readonly upcast_attention?: boolean;
  readonly time_embedding_dim?: number | null;
  readonly time_cond_proj_dim?: number | null;
}

export interface UnetLevel {
  readonly channels: number;
  readonly resnets: number;
  /** Transformer layers behind each resnet, none where there is no attention. */
  readonly layers: readonly number[];
  readonly heads: number;
  readonly contextDim: number;
}

export interface UnetPlan {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly down: readonly UnetLevel[];
  /** null where there is none. One resnet alone has no layers; else a transformer lies between two. */
  readonly mid: UnetLevel | null;
  readonly up: readonly UnetLevel[];
  readonly groups: number;
  readonly eps: number;
  readonly upcastAttention: boolean;
  readonly sineFirst: boolean;
  readonly freqShift: number;
  readonly timeDim: number;
  /** SDXL: widths of one embedded time id and of the pooled text; null where neither is an input. */
  readonly addition: { readonly idDim: number; readonly ids: number; readonly textDim: number } | null;
  /** LCM: width of the embedded guidance scale. */
  readonly guidanceDim: number | null;
}

/** SDXL's base has six time ids: two sizes and a corner. */
const TIME_IDS = 6;

/** What these fields may say: their default, and what comes to the same. */
const FIXED: Readonly<Record<string, readonly unknown[]>> = {
  act_fn: ['silu', 'swish'],
  addition_embed_type: [null, 'text_time'],
  attention_type: ['default'],
  center_input_sample: [false],
  class_embed_type: [null],
  class_embeddings_concat: [false],
  conv_in_kernel: [3],
  conv_out_kernel: [3],
  cross_attention_norm: [null],
  downsample_padding: [1],
  dual_cross_attention: [false],
  encoder_hid_dim: [null],
  encoder_hid_dim_type: [null],
  mid_block_only_cross_attention: [null, false],
  mid_block_scale_factor: [1],
  mid_block_type: [null, 'UNetMidBlock2D', 'UNetMidBlock2DCrossAttn'],
  num_class_embeds: [null],
  only_cross_attention: [false],
  resnet_out_scale_factor: [1],
  resnet_skip_time_act: [false],
  resnet_time_scale_shift: ['default'],
  time_embedding_act_fn: [null],
  time_embedding_type: ['positional'],
  timestep_post_act: [null],
};

/** @throws EngineError `model-invalid` for a config that says what is not built here. */
export function unetPlan(config: UnetArchitecture): UnetPlan {
  const fields = config as Readonly<Record<string, unknown>>;
  for (const [field, allowed] of Object.entries(FIXED)) {
    const said = fields[field] ?? null;
    const all = (Array.isArray(said) ? said : [said]) as readonly unknown[];
    if (fields[field] !== undefined && !all.every((one) => allowed.includes(one))) throw refused(field, said);
  }
  const channels = config.block_out_channels ?? [320, 640, 1280, 1280];
  const last = channels.length - 1;
  const types = config.down_block_types ?? [...new Array<string>(3).fill('CrossAttnDownBlock2D'), 'DownBlock2D'];
  const upTypes = config.up_block_types ?? ['UpBlock2D', ...new Array<string>(3).fill('CrossAttnUpBlock2D')];
  if (last < 0 || types.length !== channels.length || upTypes.length !== channels.length)
    throw refused('block_out_channels', channels);
  const at = <T>(field: string, value: EachLevel<T>, level: number): T => {
    if (!isList(value)) return value;
    if (value.length !== channels.length) throw refused(field, value);
    return value[level] as T;
  };
  const depths = config.transformer_layers_per_block ?? 1;
  const upDepths = config.reverse_transformer_layers_per_block ?? (isList(depths) ? [...depths].reverse() : depths);
  const level = (index: number) => ({
    channels: channels[index]!,
    heads: at('attention_head_dim', config.num_attention_heads ?? config.attention_head_dim ?? 8, index),
    contextDim: at('cross_attention_dim', config.cross_attention_dim ?? 1280, index),
    resnets: at('layers_per_block', config.layers_per_block ?? 2, index),
  });
  const withLayers = (
    common: ReturnType<typeof level>,
    type: string,
    kinds: readonly [string, string],
    depth: EachLevel<number>,
  ) => {
    if (!kinds.includes(type)) throw refused('block_types', type);
    if (type === kinds[1]) return { ...common, layers: [] };
    if (isList(depth) && depth.length < common.resnets) throw refused('transformer_layers_per_block', depths);
    if (common.channels % common.heads !== 0) throw refused('attention_head_dim', common.heads);
    const layers = Array.from({ length: common.resnets }, (_, i) => (isList(depth) ? depth[i] : depth) as number);
    return { ...common, layers };
  };
  const down = types.map((type, index) =>
    withLayers(
      level(index),
      type,
      ['CrossAttnDownBlock2D', 'DownBlock2D'],
      at('transformer_layers_per_block', depths, index),
    ),
  );
  const up = upTypes.map((type, index) => {
    const common = level(last - index);
    const more = { ...common, resnets: common.resnets + 1 };
    return withLayers(
      more,
      type,
      ['CrossAttnUpBlock2D', 'UpBlock2D'],
      at('transformer_layers_per_block', upDepths, index),
    );
  });
  const groups = config.norm_num_groups ?? 32;
  const uneven = channels.find((count) => count % groups !== 0);
  if (uneven !== undefined) throw refused('norm_num_groups', groups);
  return {
    inChannels: config.in_channels ?? 4,
    outChannels: config.out_channels ?? 4,
    down,
    mid: midLevel(config, level(last), isList(depths) ? (depths.at(-1) as EachLevel<number>) : depths),
    up,
    groups,
    eps: config.norm_eps ?? 1e-5,
    upcastAttention: config.upcast_attention ?? false,
    sineFirst: config.flip_sin_to_cos === false,
    freqShift: config.freq_shift ?? 0,
    timeDim: config.time_embedding_dim ?? 4 * channels[0]!,
    addition: additionOf(config),
    guidanceDim: config.time_cond_proj_dim ?? null,
  };
}

function midLevel(
  config: UnetArchitecture,
  common: Omit<UnetLevel, 'layers'>,
  depth: EachLevel<number>,
): UnetLevel | null {
  const type = config.mid_block_type === undefined ? 'UNetMidBlock2DCrossAttn' : config.mid_block_type;
  if (type === null) return null;
  if (type === 'UNetMidBlock2D') return { ...common, resnets: 1, layers: [] };
  const layers = config.mid_transformer_layers ?? (isList(depth) ? (depth[0] ?? 1) : depth);
  return { ...common, resnets: 2, layers: [layers] };
}

function additionOf(config: UnetArchitecture): UnetPlan['addition'] {
  if ((config.addition_embed_type ?? null) === null) return null;
  const idDim = config.addition_time_embed_dim ?? 0;
  const textDim = (config.projection_class_embeddings_input_dim ?? 0) - TIME_IDS * idDim;
  if (idDim < 2 || textDim < 1)
    throw refused('projection_class_embeddings_input_dim', config.projection_class_embeddings_input_dim);
  return { idDim, ids: TIME_IDS, textDim };
}

/** Array.isArray takes read-only lists for lists of anything. */
function isList<T>(value: EachLevel<T>): value is readonly T[] {
  return Array.isArray(value);
}

function refused(field: string, value: unknown): EngineError {
  return new EngineError(
    'model-invalid',
    `This model has a UNet of a kind that Pagoda does not build. Choose another model.`,
    `${field}: ${JSON.stringify(value)}`,
  );
}
