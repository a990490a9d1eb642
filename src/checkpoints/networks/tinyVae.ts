// AutoencoderTiny of diffusers (TAESD), both ways: convolutions and ReLU alone. Its latents are those of the UNet as
// they are, without a scaling factor. Layers are counted as in the list in which diffusers keeps them.

import type { Model } from '../../onnx/file/model';
import { EngineError } from '../../protocol/errors';
import { GraphBuilder, type GraphOptions } from './graphBuilder';
import { add, conv, upsample } from './layerNodes';

/** Field names and defaults of diffusers' AutoencoderTiny. */
export interface TinyVaeArchitecture {
  readonly in_channels?: number;
  readonly out_channels?: number;
  readonly encoder_block_out_channels?: readonly number[];
  readonly decoder_block_out_channels?: readonly number[];
  readonly act_fn?: string;
  readonly upsample_fn?: string;
  readonly latent_channels?: number;
  readonly upsampling_scaling_factor?: number;
  readonly num_encoder_blocks?: readonly number[];
  readonly num_decoder_blocks?: readonly number[];
}

/** Latents beyond ±3 are bent back softly. */
const MAGNITUDE = 3;

/**
 * Input: `latent_sample` [batch, channels, height, width]. Output: `sample`, the image in [−1, 1].
 * @throws EngineError `model-invalid` for a config that says what is not built here, or what `weight` throws.
 */
export function tinyVaeDecoder(config: TinyVaeArchitecture, options: GraphOptions): Model {
  check(config);
  const channels = config.decoder_block_out_channels ?? [64, 64, 64, 64];
  const blocks = config.num_decoder_blocks ?? [3, 3, 3, 1];
  const latents = config.latent_channels ?? 4;
  const image = config.out_channels ?? 3;
  const g = GraphBuilder.start(options);
  const input = g.input('latent_sample', g.type, ['batch', latents, 'latent_height', 'latent_width']);
  const layer = layersOf(g.in('decoder.layers'));
  const bent = g.op('Tanh', [g.op('Mul', [input, g.scalar(1 / MAGNITUDE)])]);
  let h = g.op('Mul', [bent, g.scalar(MAGNITUDE)]);
  h = relu(g, conv(layer(), h, { from: latents, to: channels[0]! }));
  layer();
  channels.forEach((count, level) => {
    const isLast = level === channels.length - 1;
    for (let index = 0; index < blocks[level]!; index += 1) h = residual(layer(), h, count);
    if (!isLast) h = upsample(layer(), h);
    h = conv(layer(), h, { from: count, to: isLast ? image : count, bias: isLast });
  });
  const sample = g.op('Sub', [g.op('Mul', [h, g.scalar(2)]), g.scalar(1)]);
  g.output('sample', sample, ['batch', image, 'height', 'width']);
  return g.finish();
}

/**
 * Input: `sample` [batch, 3, height, width], an image in [−1, 1]. Output: `latent_sample`.
 * @throws EngineError `model-invalid` for a config that says what is not built here, or what `weight` throws.
 */
export function tinyVaeEncoder(config: TinyVaeArchitecture, options: GraphOptions): Model {
  check(config);
  const channels = config.encoder_block_out_channels ?? [64, 64, 64, 64];
  const blocks = config.num_encoder_blocks ?? [1, 3, 3, 3];
  const latents = config.latent_channels ?? 4;
  const image = config.in_channels ?? 3;
  const g = GraphBuilder.start(options);
  const input = g.input('sample', g.type, ['batch', image, 'height', 'width']);
  const layer = layersOf(g.in('encoder.layers'));
  let h = g.op('Mul', [g.op('Add', [input, g.scalar(1)]), g.scalar(0.5)]);
  channels.forEach((to, level) => {
    h = conv(layer(), h, level === 0 ? { from: image, to } : { from: to, to, stride: 2, bias: false });
    for (let index = 0; index < blocks[level]!; index += 1) h = residual(layer(), h, to);
  });
  const out = conv(layer(), h, { from: channels.at(-1) as number, to: latents });
  g.output('latent_sample', out, ['batch', latents, 'latent_height', 'latent_width']);
  return g.finish();
}

/** Three convolutions, and the input added. */
function residual(g: GraphBuilder, x: string, channels: number): string {
  const square = { from: channels, to: channels };
  const first = relu(g, conv(g.in('conv.0'), x, square));
  const second = relu(g, conv(g.in('conv.2'), first, square));
  return relu(g, add(g, conv(g.in('conv.4'), second, square), x));
}

function relu(g: GraphBuilder, x: string): string {
  return g.op('Relu', [x]);
}

/** One module after the other, by number. */
function layersOf(g: GraphBuilder): () => GraphBuilder {
  let next = 0;
  return () => g.in(String(next++));
}

function check(config: TinyVaeArchitecture): void {
  const { act_fn: act = 'relu', upsample_fn: how = 'nearest', upsampling_scaling_factor: factor = 2 } = config;
  const even = (channels: readonly number[] = [], blocks: readonly number[] = channels) =>
    channels.length === blocks.length && channels.every((count) => count === channels[0]);
  const fits =
    even(config.encoder_block_out_channels, config.num_encoder_blocks) &&
    even(config.decoder_block_out_channels, config.num_decoder_blocks);
  if (fits && act === 'relu' && how === 'nearest' && factor === 2) return;
  throw new EngineError(
    'model-invalid',
    'This model has a VAE of a kind that Pagoda does not build. Choose another model.',
    JSON.stringify(config),
  );
}
