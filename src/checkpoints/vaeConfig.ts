// The structure of an AutoencoderKL, in the fields of diffusers' config.json, from its shapes or from that file; and
// all its parameters with their shapes.

import type { VaeNetwork } from '../configs/networkConfigs';
import { EngineError } from '../protocol/errors';
import { countOf, MOST, type Shapes } from './shapes';

export interface VaeStructure {
  /** Channels of the picture. */
  readonly in_channels: number;
  readonly out_channels: number;
  readonly latent_channels: number;
  /** One a level, from the finest. */
  readonly block_out_channels: readonly number[];
  /** Resnets of a down block; an up block has one more. */
  readonly layers_per_block: number;
  /** The UNet's latents are (latents − shift) · scale; null where only the UNet's family tells it. */
  readonly scaling_factor: number | null;
  readonly shift_factor: number | null;
  readonly latents_mean: readonly number[] | null;
  readonly latents_std: readonly number[] | null;
  readonly use_quant_conv: boolean;
  readonly use_post_quant_conv: boolean;
  readonly norm_num_groups: number;
  /** Whether its makers say that f16 overflows; null where nothing says so. */
  readonly force_upcast: boolean | null;
  /** Halves that the file has. */
  readonly halves: readonly ('encoder' | 'decoder')[];
}

/** @throws EngineError `model-invalid` where the parameters are not those of a VAE with a decoder. */
export function vaeFromShapes(shapes: Shapes, scaling: number | null): VaeStructure {
  const latents = shapes.get('decoder.conv_in.weight');
  const picture = shapes.get('decoder.conv_out.weight');
  const levels = countOf(shapes, MOST.levels, (level) => `decoder.up_blocks.${level}.resnets.0.conv1.weight`);
  const channels = Array.from({ length: levels }, (_, level) => {
    const name = `decoder.up_blocks.${levels - 1 - level}.resnets.0.conv2.weight`;
    return shapes.get(name)?.[0] ?? 0;
  });
  const layers = countOf(shapes, MOST.layers + 1, (at) => `decoder.up_blocks.0.resnets.${at}.conv1.weight`) - 1;
  if (!latents || !picture || layers < 1 || layers > MOST.layers || levels > MOST.levels)
    throw unknown(`${levels} levels of ${layers} resnets`);
  return {
    in_channels: shapes.get('encoder.conv_in.weight')?.[1] ?? picture[0] ?? 0,
    out_channels: picture[0] ?? 0,
    latent_channels: latents[1] ?? 0,
    block_out_channels: channels,
    layers_per_block: layers,
    scaling_factor: scaling,
    shift_factor: null,
    latents_mean: null,
    latents_std: null,
    use_quant_conv: shapes.has('quant_conv.weight'),
    use_post_quant_conv: shapes.has('post_quant_conv.weight'),
    norm_num_groups: 32,
    force_upcast: null,
    halves: shapes.has('encoder.conv_in.weight') ? ['encoder', 'decoder'] : ['decoder'],
  };
}

/**
 * What config.json says, with diffusers' defaults.
 * @throws EngineError `model-invalid` that names the field by which it is another network.
 */
export function vaeFromConfig(config: VaeNetwork): VaeStructure {
  const odd =
    (config._class_name ?? 'AutoencoderKL') !== 'AutoencoderKL' ||
    (config.act_fn ?? 'silu') !== 'silu' ||
    config.mid_block_add_attention === false ||
    [...(config.down_block_types ?? []), ...(config.up_block_types ?? [])].some(
      (type) => type !== 'DownEncoderBlock2D' && type !== 'UpDecoderBlock2D',
    );
  if (odd) throw unknown(JSON.stringify(config).slice(0, 500));
  return {
    in_channels: config.in_channels ?? 3,
    out_channels: config.out_channels ?? 3,
    latent_channels: config.latent_channels ?? 4,
    block_out_channels: config.block_out_channels ?? [64],
    layers_per_block: config.layers_per_block ?? 1,
    scaling_factor: config.scaling_factor ?? 0.18215,
    shift_factor: config.shift_factor ?? null,
    latents_mean: config.latents_mean ?? null,
    latents_std: config.latents_std ?? null,
    use_quant_conv: config.use_quant_conv ?? true,
    use_post_quant_conv: config.use_post_quant_conv ?? true,
    norm_num_groups: config.norm_num_groups ?? 32,
    force_upcast: config.force_upcast ?? null,
    halves: ['encoder', 'decoder'],
  };
}

/** All parameters of the halves that are there. */
export function vaeParameters(config: VaeStructure): Shapes {
  const shapes = new Map<string, readonly number[]>();
  const { block_out_channels: channels, layers_per_block: layers, latent_channels: latents } = config;
  const finest = channels[0] ?? 0;
  const coarsest = channels.at(-1) ?? 0;
  const layer = (name: string, weight: readonly number[]) => {
    shapes.set(`${name}.weight`, weight);
    shapes.set(`${name}.bias`, [weight[0] ?? 0]);
  };
  const conv = (name: string, input: number, output: number, edge = 3) => layer(name, [output, input, edge, edge]);
  const resnet = (name: string, input: number, output: number) => {
    layer(`${name}.norm1`, [input]);
    conv(`${name}.conv1`, input, output);
    layer(`${name}.norm2`, [output]);
    conv(`${name}.conv2`, output, output);
    if (input !== output) conv(`${name}.conv_shortcut`, input, output, 1);
  };
  const middle = (name: string) => {
    for (const at of [0, 1]) resnet(`${name}.resnets.${at}`, coarsest, coarsest);
    layer(`${name}.attentions.0.group_norm`, [coarsest]);
    for (const which of ['to_q', 'to_k', 'to_v', 'to_out.0'])
      layer(`${name}.attentions.0.${which}`, [coarsest, coarsest]);
  };

  if (config.halves.includes('encoder')) {
    conv('encoder.conv_in', config.in_channels, finest);
    let width = finest;
    channels.forEach((output, level) => {
      for (let at = 0; at < layers; at += 1) {
        resnet(`encoder.down_blocks.${level}.resnets.${at}`, width, output);
        width = output;
      }
      if (level < channels.length - 1) conv(`encoder.down_blocks.${level}.downsamplers.0.conv`, width, width);
    });
    middle('encoder.mid_block');
    layer('encoder.conv_norm_out', [coarsest]);
    conv('encoder.conv_out', coarsest, 2 * latents);
    if (config.use_quant_conv) conv('quant_conv', 2 * latents, 2 * latents, 1);
  }
  if (config.halves.includes('decoder')) {
    if (config.use_post_quant_conv) conv('post_quant_conv', latents, latents, 1);
    conv('decoder.conv_in', latents, coarsest);
    middle('decoder.mid_block');
    let width = coarsest;
    [...channels].reverse().forEach((output, level) => {
      for (let at = 0; at <= layers; at += 1) {
        resnet(`decoder.up_blocks.${level}.resnets.${at}`, width, output);
        width = output;
      }
      if (level < channels.length - 1) conv(`decoder.up_blocks.${level}.upsamplers.0.conv`, width, width);
    });
    layer('decoder.conv_norm_out', [finest]);
    conv('decoder.conv_out', finest, config.out_channels);
  }
  return shapes;
}

function unknown(detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    'This model’s VAE is not whole, or of a kind that Pagoda does not know. Choose another model.',
    detail,
  );
}
