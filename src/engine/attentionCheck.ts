// Whether ONNX Runtime's MultiHeadAttention is right on a device: one known answer for each element type, held to
// the kernel's CPU twin. On adapters with small subgroups it was seen to be off by 0.13 with 32 tokens and more
// (ONNX Runtime 1.30, f32, head dim 32), so nothing is left to it unchecked.

import { attentionOnCpu } from '../kernels/attention.cpu';
import type { FloatType, KnownAnswer } from './knownAnswer';
import { oneAttention } from './oneAttention';

const TOKENS = 64;
const HEADS = 2;
const HEAD_DIM = 32;
/** Largest error; values lie in −1 … 1. f16 rounds probabilities and products to 11 bits. */
const BOUNDS: Readonly<Record<FloatType, number>> = { float32: 1e-4, float16: 2e-2 };

export function knownAttention(type: FloatType): KnownAnswer[] {
  const dims = [1, TOKENS, HEADS * HEAD_DIM];
  const [q, k, v] = [1, 2, 3].map((phase) =>
    Float32Array.from({ length: TOKENS * HEADS * HEAD_DIM }, (_, at) => Math.sin(phase + at * (1 + 0.01 * at))),
  ) as [Float32Array, Float32Array, Float32Array];
  const answer = new Float32Array(q.length);
  attentionOnCpu(
    { sourceRows: 1, tokens: TOKENS, heads: HEADS, headDim: HEAD_DIM, scale: 1 / Math.sqrt(HEAD_DIM) },
    { q, k, v, out: answer },
    [{ source: 0, identity: 0 }],
  );
  const graph = oneAttention(type, dims, { heads: HEADS, scale: null });
  return [{ operator: 'MultiHeadAttention', graph, type, inputs: { q, k, v }, answer, bound: BOUNDS[type] }];
}
