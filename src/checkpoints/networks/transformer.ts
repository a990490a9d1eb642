// The transformer of a UNet's level (diffusers' Transformer2DModel): a map as tokens, layers that attend to the map
// itself, then to the prompt, then pass a feed-forward network, and back to a map with the map added.
//
//   z += attn1(LN1 z);  z += attn2(LN2 z, context);  z += ff(LN3 z)

import { MICROSOFT, type GraphBuilder } from './graphBuilder';
import { add, attention, geglu, groupNorm, layerNorm, linear, swapped } from './layerNodes';

export interface Transformer {
  readonly channels: number;
  readonly heads: number;
  readonly layers: number;
  readonly groups: number;
  /** Embeds of the prompt, [batch, tokens, contextDim]. */
  readonly context: string;
  readonly contextDim: number;
  readonly upcast: boolean;
}

const GROUP_NORM_EPS = 1e-6;
const LAYER_NORM_EPS = 1e-5;
/** Of the feed-forward network. */
const WIDENING = 4;

export function transformer(g: GraphBuilder, x: string, options: Transformer): string {
  const { channels, groups, layers } = options;
  const square = { from: channels, to: channels };
  const normed = groupNorm(g.in('norm'), x, { channels, groups, eps: GROUP_NORM_EPS, flat: true });
  // A projection by a convolution of one element is the same numbers as by a linear layer behind.
  let z = linear(g.in('proj_in'), swapped(g, normed), square);
  for (let index = 0; index < layers; index += 1) z = layer(g.in(`transformer_blocks.${index}`), z, options);
  const out = swapped(g, linear(g.in('proj_out'), z, square));
  return add(g, g.op('Reshape', [out, g.shapeOf(x)]), x);
}

function layer(g: GraphBuilder, z: string, options: Transformer): string {
  const { channels, context, contextDim } = options;
  const first = layerNorm(g.in('norm1'), z, channels, LAYER_NORM_EPS);
  const self = attend(g.in('attn1'), first, first, channels, options);
  const [second, afterSelf] = addedAndNormed(g, 'norm2', self, z, channels);
  const cross = attend(g.in('attn2'), second, context, contextDim, options);
  const [third, afterCross] = addedAndNormed(g, 'norm3', cross, afterSelf, channels);
  const wide = geglu(g.in('ff.net.0.proj'), third, { from: channels, to: WIDENING * channels });
  return add(g, linear(g.in('ff.net.2'), wide, { from: WIDENING * channels, to: channels }), afterCross);
}

interface Attended {
  readonly product: string;
  readonly bias: string;
}

/** Attention with the product of its last projection and, apart from it, that one's bias. */
function attend(g: GraphBuilder, z: string, from: string, fromDim: number, options: Transformer): Attended {
  const { channels, heads, upcast } = options;
  const project = (name: string, value: string, dim: number) =>
    linear(g.in(name), value, { from: dim, to: channels, bias: false });
  const q = project('to_q', z, channels);
  const k = project('to_k', from, fromDim);
  const v = project('to_v', from, fromDim);
  const mixed = attention(g, { q, k, v, heads, headDim: channels / heads, upcast });
  const last = g.in('to_out.0');
  const product = linear(last, mixed, { from: channels, to: channels, bias: false });
  return { product, bias: last.weight('bias', [channels]) };
}

/** z + product + bias, and its norm before it: one operator. */
function addedAndNormed(
  g: GraphBuilder,
  norm: string,
  { product, bias }: Attended,
  z: string,
  channels: number,
): [string, string] {
  const at = g.in(norm);
  const inputs = [product, z, at.weight('weight', [channels]), at.weight('bias', [channels]), bias];
  const [normed = '', , , sum = ''] = at.ops('SkipLayerNormalization', inputs, ['normed', '', '', 'sum'], {
    domain: MICROSOFT,
    attributes: { epsilon: { float: LAYER_NORM_EPS } },
  });
  return [normed, sum];
}
