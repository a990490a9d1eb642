// The attention kernel's twin in plain TypeScript: the oracle of its tests, and of the CPU's attention by ONNX Runtime
// (engine/cpuAttention). Same layouts and formula as attention.ts; f64 inside, rounded to f32 once at the end.

import type { SiteRow } from '../diffusion/types';
import { checkSiteRows, type AttentionShape } from './attention';

export interface AttentionArrays {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly out: Float32Array;
}

/** Q, K, V: [sourceRows, tokens, heads·headDim]; fills out: [siteRows.length, tokens, heads·headDim].
 *  @throws RangeError for a row map that leaves its range or arrays that are too short. */
export function attentionOnCpu(
  shape: AttentionShape,
  { q, k, v, out }: AttentionArrays,
  siteRows: readonly SiteRow[],
): void {
  const { tokens, heads, headDim } = shape;
  const rowElements = tokens * heads * headDim;
  checkSiteRows(siteRows, shape.sourceRows);
  const shortest = Math.min(q.length, k.length, v.length);
  if (shortest < shape.sourceRows * rowElements || out.length < siteRows.length * rowElements) {
    throw new RangeError(`attention: ${shape.sourceRows} rows of ${rowElements} do not fit the arrays given.`);
  }
  siteRows.forEach(({ source, identity }, row) => {
    const from = source * rowElements;
    const to = row * rowElements;
    if (identity === 1) {
      out.set(v.subarray(from, from + rowElements), to);
      return;
    }
    for (let head = 0; head < heads; head += 1) {
      attendHead(shape, { q, k, v, out }, from + head * headDim, to + head * headDim, identity);
    }
  });
}

/** One head of one row; `from` and `to` are where its first token's vector lies in the sources and in out. */
function attendHead(
  { tokens, heads, headDim, scale }: AttentionShape,
  { q, k, v, out }: AttentionArrays,
  from: number,
  to: number,
  identity: number,
): void {
  const stride = heads * headDim;
  const weights = new Float64Array(tokens);
  const sums = new Float64Array(headDim);
  for (let query = 0; query < tokens; query += 1) {
    const qAt = from + query * stride;
    let highest = -Infinity;
    for (let key = 0; key < tokens; key += 1) {
      const kAt = from + key * stride;
      let dot = 0;
      for (let d = 0; d < headDim; d += 1) dot += q[qAt + d]! * k[kAt + d]!;
      weights[key] = dot * scale;
      highest = Math.max(highest, dot * scale);
    }
    let total = 0;
    sums.fill(0);
    for (let key = 0; key < tokens; key += 1) {
      const weight = Math.exp(weights[key]! - highest);
      const vAt = from + key * stride;
      total += weight;
      for (let d = 0; d < headDim; d += 1) sums[d]! += weight * v[vAt + d]!;
    }
    const vAt = from + query * stride;
    for (let d = 0; d < headDim; d += 1) {
      const attended = sums[d]! / total;
      out[to + query * stride + d] = identity === 0 ? attended : (1 - identity) * attended + identity * v[vAt + d]!;
    }
  }
}
