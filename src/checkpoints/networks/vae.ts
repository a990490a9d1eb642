// AutoencoderKL of diffusers, both ways: images of three channels in [−1, 1] to latents of an eighth of the size, and
// back. The decoder is given latents divided by the scaling factor.

import type { Model } from '../../onnx/file/model';
import { EngineError } from '../../protocol/errors';
import { GraphBuilder, type GraphOptions } from './graphBuilder';
import { add, attention, conv, groupNorm, linear, silu, swapped, upsample } from './layerNodes';
import { resnet } from './resnet';

/** Field names and defaults of diffusers' AutoencoderKL. */
export interface VaeArchitecture {
  readonly in_channels?: number;
  readonly out_channels?: number;
  readonly down_block_types?: readonly string[];
  readonly up_block_types?: readonly string[];
  readonly block_out_channels?: readonly number[];
  readonly layers_per_block?: number;
  readonly act_fn?: string;
  readonly latent_channels?: number;
  readonly norm_num_groups?: number;
  readonly use_quant_conv?: boolean;
  readonly use_post_quant_conv?: boolean;
  readonly mid_block_add_attention?: boolean;
}

const EPS = 1e-6;

interface Plan {
  readonly channels: readonly number[];
  readonly layers: number;
  readonly latents: number;
  readonly groups: number;
  readonly attends: boolean;
}

/**
 * Input: `latent_sample` [batch, channels, height, width]. Output: `sample`, the image.
 * @throws EngineError `model-invalid` for a config that says what is not built here, or what `weight` throws.
 */
export function vaeDecoder(config: VaeArchitecture, options: GraphOptions): Model {
  const plan = planOf(config);
  const { channels, groups, layers, latents } = plan;
  const g = GraphBuilder.start(options);
  const input = g.input('latent_sample', g.type, ['batch', latents, 'latent_height', 'latent_width']);
  const post = { from: latents, to: latents, kernel: 1 };
  const z = config.use_post_quant_conv === false ? input : conv(g.in('post_quant_conv'), input, post);
  const decoder = g.in('decoder');
  let from = channels.at(-1) as number;
  let h = conv(decoder.in('conv_in'), z, { from: latents, to: from });
  h = middle(decoder.in('mid_block'), h, from, plan);
  [...channels].reverse().forEach((to, level) => {
    const block = decoder.in(`up_blocks.${level}`);
    for (let index = 0; index <= layers; index += 1) {
      h = resnet(block.in(`resnets.${index}`), h, { from, to, groups, eps: EPS });
      from = to;
    }
    const sampler = block.in('upsamplers.0');
    if (level < channels.length - 1) h = conv(sampler.in('conv'), upsample(sampler, h), { from: to, to });
  });
  const to = config.out_channels ?? 3;
  const last = silu(decoder, groupNorm(decoder.in('conv_norm_out'), h, { channels: from, groups, eps: EPS }));
  g.output('sample', conv(decoder.in('conv_out'), last, { from, to }), ['batch', to, 'height', 'width']);
  return g.finish();
}

/**
 * Input: `sample` [batch, 3, height, width], an image. Output: `latent_parameters`: the means of the latents, then the
 * logarithms of their variances, [batch, 2·channels, height/8, width/8].
 * @throws EngineError `model-invalid` for a config that says what is not built here, or what `weight` throws.
 */
export function vaeEncoder(config: VaeArchitecture, options: GraphOptions): Model {
  const plan = planOf(config);
  const { channels, groups, layers, latents } = plan;
  const g = GraphBuilder.start(options);
  const image = config.in_channels ?? 3;
  const input = g.input('sample', g.type, ['batch', image, 'height', 'width']);
  const encoder = g.in('encoder');
  let from = channels[0]!;
  let h = conv(encoder.in('conv_in'), input, { from: image, to: from });
  channels.forEach((to, level) => {
    const block = encoder.in(`down_blocks.${level}`);
    for (let index = 0; index < layers; index += 1) {
      h = resnet(block.in(`resnets.${index}`), h, { from, to, groups, eps: EPS });
      from = to;
    }
    const halved = { from: to, to, stride: 2, pads: [0, 0, 1, 1] } as const;
    if (level < channels.length - 1) h = conv(block.in('downsamplers.0.conv'), h, halved);
  });
  h = middle(encoder.in('mid_block'), h, from, plan);
  const last = silu(encoder, groupNorm(encoder.in('conv_norm_out'), h, { channels: from, groups, eps: EPS }));
  const moments = conv(encoder.in('conv_out'), last, { from, to: 2 * latents });
  const quant = { from: 2 * latents, to: 2 * latents, kernel: 1 };
  const out = config.use_quant_conv === false ? moments : conv(g.in('quant_conv'), moments, quant);
  g.output('latent_parameters', out, ['batch', 2 * latents, 'latent_height', 'latent_width']);
  return g.finish();
}

/** Two residual blocks with attention of one wide head between them. */
function middle(g: GraphBuilder, x: string, channels: number, { groups, attends }: Plan): string {
  const block = { from: channels, to: channels, groups, eps: EPS };
  const before = resnet(g.in('resnets.0'), x, block);
  return resnet(g.in('resnets.1'), attends ? attend(g.in('attentions.0'), before, channels, groups) : before, block);
}

function attend(g: GraphBuilder, x: string, channels: number, groups: number): string {
  const tokens = swapped(g, groupNorm(g.in('group_norm'), x, { channels, groups, eps: EPS, flat: true }));
  const square = { from: channels, to: channels };
  const [q = '', k = '', v = ''] = ['to_q', 'to_k', 'to_v'].map((name) => linear(g.in(name), tokens, square));
  const mixed = attention(g, { q, k, v, heads: 1, headDim: channels });
  const out = swapped(g, linear(g.in('to_out.0'), mixed, square));
  return add(g, g.op('Reshape', [out, g.shapeOf(x)]), x);
}

function planOf(config: VaeArchitecture): Plan {
  const channels = config.block_out_channels ?? [64];
  const groups = config.norm_num_groups ?? 32;
  const kinds = [
    ...(config.down_block_types ?? []).filter((type) => type !== 'DownEncoderBlock2D'),
    ...(config.up_block_types ?? []).filter((type) => type !== 'UpDecoderBlock2D'),
    ...[config.act_fn ?? 'silu'].filter((name) => name !== 'silu' && name !== 'swish'),
  ];
  if (kinds.length > 0 || channels.length === 0 || channels.some((count) => count % groups !== 0)) {
    throw new EngineError(
      'model-invalid',
      'This model has a VAE of a kind that Pagoda does not build. Choose another model.',
      `${kinds.join(', ')} ${channels.join(', ')}; norm_num_groups: ${groups}`,
    );
  }
  return {
    channels,
    groups,
    layers: config.layers_per_block ?? 1,
    latents: config.latent_channels ?? 4,
    attends: config.mid_block_add_attention ?? true,
  };
}
