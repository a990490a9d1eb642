// What a model asks of a device, estimated before it is fetched: sizes are those of the listing, the largest buffers
// are worked out from the configs as the architecture lays them out, and half precision is told from the UNet's graph,
// or where that could not be looked into from a file's name.

import type { UnetConfig } from '../configs/schemas';
import type { Buffer, Needs } from './preflight';

export interface Weights {
  readonly bytes: number;
  /** Paths of the graphs. */
  readonly paths: readonly string[];
  readonly unetConfig: UnetConfig;
  /** What the UNet's graph says of itself. */
  readonly graph: GraphGlance;
}

/** What a look at the beginning of the UNet's file has told. */
export interface GraphGlance {
  /** Whether it computes in f16; null where it did not show. */
  readonly half: boolean | null;
  /**
   * Bytes of the largest weight and the largest tensor of one row, of the file's own types; null where it did not show.
   */
  readonly largest: number | null;
}

export const NO_GLANCE: GraphGlance = { half: null, largest: null };

const F16_NAME = /(fp16|f16|float16|half)/i;

/** @param f16 whether the device computes in f16; where not, everything is f32. */
export function estimateNeeds({ bytes, paths, unetConfig, graph }: Weights, f16: boolean): Needs {
  const half = graph.half ?? paths.some((path) => F16_NAME.test(path));
  const widened = half && !f16;
  const buffers = configBuffers(unetConfig, half && f16 ? 2 : 4);
  if (graph.largest !== null) buffers.push({ what: 'The UNet', bytes: widened ? 2 * graph.largest : graph.largest });
  return { weightBytes: widened ? 2 * bytes : bytes, residentBytes: null, buffers, inescapable: [], half };
}

/**
 * The widest convolution of the UNet (9·2C·C) and the VAE's last feature map at full size, where the config says enough
 * of them; in tiles it is whole only where it has the size of the latents. `unit` is bytes per value.
 */
export function configBuffers({ block_out_channels: channels, sample_size: size }: UnetConfig, unit: number): Buffer[] {
  const buffers: Buffer[] = [];
  const product = (factors: readonly (number | undefined)[]) =>
    factors.reduce<number | undefined>((bytes, factor) => bytes && factor && bytes * factor, unit);
  const widest = channels && channels.length > 0 ? Math.max(...channels) : undefined;
  const convolution = product([widest, widest, 18]);
  if (convolution) buffers.push({ what: 'The UNet', bytes: convolution });
  const [height, width] = Array.isArray(size) ? size : [size, size];
  // 8 pixels a latent; 256 channels before the last block and 512 at the first, as in every Stable Diffusion VAE.
  const [bytes, inTiles] = [product([height, width, 64, 256]), product([height, width, 512])];
  if (bytes && inTiles) buffers.push({ what: 'The VAE decoder', bytes, inTiles });
  return buffers;
}
