// The structure of a UNet2DConditionModel as one level after the other, in the order in which they are built.

import { TIME_IDS, type UnetStructure } from '../unetConfig';

export interface UnetLevel {
  readonly channels: number;
  readonly resnets: number;
  /** Transformer layers behind each resnet; 0 where there is no attention. */
  readonly layers: readonly number[];
  readonly heads: number;
}

export interface UnetPlan {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly down: readonly UnetLevel[];
  /** null where there is none. One resnet alone has no layers; else a transformer lies between two. */
  readonly mid: UnetLevel | null;
  readonly up: readonly UnetLevel[];
  readonly contextDim: number;
  readonly groups: number;
  readonly eps: number;
  readonly upcastAttention: boolean;
  readonly timeDim: number;
  /** SDXL: widths of one embedded time id and of the pooled text; null where neither is an input. */
  readonly addition: { readonly idDim: number; readonly ids: number; readonly textDim: number } | null;
  /** LCM: width of the embedded guidance scale. */
  readonly guidanceDim: number | null;
}

export function unetPlan(structure: UnetStructure): UnetPlan {
  const { block_out_channels: channels, num_attention_heads: heads, layers_per_block: resnets } = structure;
  const last = channels.length - 1;
  const level = (index: number, more: Pick<UnetLevel, 'resnets' | 'layers'>): UnetLevel => ({
    channels: channels[index]!,
    heads: heads[index]!,
    ...more,
  });
  const mid = {
    UNetMidBlock2DCrossAttn: { resnets: 2, layers: [structure.mid_transformer_layers] },
    UNetMidBlock2D: { resnets: 1, layers: [] },
  };
  const { projection_class_embeddings_input_dim: added, addition_time_embed_dim: idDim } = structure;
  return {
    inChannels: structure.in_channels,
    outChannels: structure.out_channels,
    down: structure.transformer_layers_per_block.map((layers, index) => level(index, { resnets, layers })),
    mid: structure.mid_block_type && level(last, mid[structure.mid_block_type]),
    up: structure.reverse_transformer_layers_per_block.map((layers, index) =>
      level(last - index, { resnets: resnets + 1, layers }),
    ),
    contextDim: structure.cross_attention_dim,
    groups: structure.norm_num_groups,
    eps: structure.norm_eps,
    upcastAttention: structure.upcast_attention,
    timeDim: 4 * channels[0]!,
    addition: added === null || idDim === null ? null : { idDim, ids: TIME_IDS, textDim: added - TIME_IDS * idDim },
    guidanceDim: structure.time_cond_proj_dim,
  };
}
