// Attention straight from the definition, one output vector at a time, in f64: written apart from the
// kernel and its twin, so that both can be held to it. For tests.

import type { AttentionShape } from '../attention';
import type { SiteRow } from '../../diffusion/types';

export interface Tensors {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

/** out[row, token, head, :] for the output row that `site` describes. */
export function naiveAttention(
  shape: AttentionShape,
  { q, k, v }: Tensors,
  site: SiteRow,
  token: number,
  head: number,
): number[] {
  const vectorOf = (tensor: Float32Array, at: number): number[] => {
    const begin = ((site.source * shape.tokens + at) * shape.heads + head) * shape.headDim;
    return [...tensor.subarray(begin, begin + shape.headDim)];
  };
  const query = vectorOf(q, token);
  const logits = Array.from({ length: shape.tokens }, (_, at) => {
    const key = vectorOf(k, at);
    return shape.scale * query.reduce((sum, value, d) => sum + value * key[d]!, 0);
  });
  const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const exponentials = logits.map((logit) => Math.exp(logit - highest));
  const total = exponentials.reduce((a, b) => a + b, 0);
  const attended = new Array<number>(shape.headDim).fill(0);
  exponentials.forEach((exponential, at) => {
    vectorOf(v, at).forEach((value, d) => (attended[d]! += (exponential / total) * value));
  });
  const own = vectorOf(v, token);
  return attended.map((value, d) => (1 - site.identity) * value + site.identity * own[d]!);
}
