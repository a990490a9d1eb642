// The families of Stable Diffusion by the structure of their UNet, one row each. Not the file's name but its shapes
// tell them apart; what no shape tells (heads, the scale of latents, the pictures' usual size) is the family's.

import type { UnetStructure } from './unetConfig';

export type Base = 'sd1' | 'sd2' | 'sdxl';

export interface Family {
  readonly id: string;
  readonly base: Base;
  readonly name: string;
}

export interface BaseFacts {
  readonly name: string;
  /** Of a level with so many channels. */
  readonly heads: (channels: number) => number;
  /** latents = the VAE's sample · this. */
  readonly scaling: number;
  /** Edge of the latents that it was made for; SD 2 has two, by its prediction type. */
  readonly sample_size?: number;
  /** Whether its attention has logits beyond f16. */
  readonly upcast_attention?: true;
}

const WIDE_HEAD = 64;
const byWidth = (channels: number) => Math.max(1, Math.floor(channels / WIDE_HEAD));

export const BASES: Readonly<Record<Base, BaseFacts>> = {
  sd1: { name: 'Stable Diffusion 1.x', heads: () => 8, scaling: 0.18215, sample_size: 64 },
  sd2: { name: 'Stable Diffusion 2.x', heads: byWidth, scaling: 0.18215, upcast_attention: true },
  sdxl: { name: 'Stable Diffusion XL', heads: byWidth, scaling: 0.13025, sample_size: 128 },
};

type Middle = number | 'resnet' | 'none';
type Row = readonly [base: Base, id: string, name: string, layers: number, down: readonly number[], mid: Middle];

/** Resnets of a level, transformer blocks behind each of them by level, and what the middle is. */
const ROWS: readonly Row[] = [
  ['sd1', 'sd1', 'Stable Diffusion 1.x', 2, [1, 1, 1, 0], 1],
  ['sd1', 'small-sd', 'small-sd (BK-SDM base)', 1, [1, 1, 1, 0], 1],
  ['sd1', 'bk-sdm-small', 'BK-SDM small', 1, [1, 1, 1, 0], 'none'],
  ['sd1', 'tiny-sd', 'tiny-sd (BK-SDM tiny)', 1, [1, 1, 1], 'none'],
  ['sd1', 'sdxs', 'SDXS', 1, [0, 1, 1], 'none'],
  ['sd2', 'sd2', 'Stable Diffusion 2.x', 2, [1, 1, 1, 0], 1],
  ['sdxl', 'sdxl', 'Stable Diffusion XL', 2, [0, 2, 10], 10],
  ['sdxl', 'ssd-1b', 'SSD-1B', 2, [0, 2, 4], 'resnet'],
  ['sdxl', 'vega', 'Segmind Vega', 2, [0, 1, 2], 'resnet'],
  ['sdxl', 'koala-700m', 'KOALA-700M', 1, [0, 2, 5], 'none'],
  ['sdxl', 'koala-1b', 'KOALA-1B', 1, [0, 2, 6], 6],
];

/** A UNet of a base that no row describes is one that somebody pruned: it runs as its shapes say. */
export function familyOf(base: Base, unet: UnetStructure): Family {
  const middle: Middle =
    unet.mid_block_type === null
      ? 'none'
      : unet.mid_block_type === 'UNetMidBlock2D'
        ? 'resnet'
        : unet.mid_transformer_layers;
  const row = ROWS.find(
    ([of, , , layers, down, mid]) =>
      of === base &&
      layers === unet.layers_per_block &&
      mid === middle &&
      down.length === unet.block_out_channels.length &&
      down.every((depth, level) => unet.transformer_layers_per_block[level]?.every((each) => each === depth)),
  );
  return row
    ? { base, id: row[1], name: row[2] }
    : { base, id: `${base}-pruned`, name: `${BASES[base].name}, of another depth` };
}

/** Context and projections of the real ones; small models for tests have the projections alone. */
export function baseOf(context: number, linear: boolean, added: boolean): Base {
  if (added) return 'sdxl';
  if (context === 768) return 'sd1';
  return context === 1024 || linear ? 'sd2' : 'sd1';
}
