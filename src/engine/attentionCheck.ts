// Whether ONNX Runtime's MultiHeadAttention is right on a device: one known answer for each element type, held to
// the kernel's CPU twin. On adapters with small subgroups it was seen to be off by 0.13 with 32 tokens and more
// (ONNX Runtime 1.30, f32, head dim 32), so nothing is left to it unchecked.

import { attentionOnCpu } from '../kernels/attention.cpu';
import { makeNode } from '../onnx/file/makeNode';
import { FLOAT, FLOAT16, type Model } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import type { Backend, ElemType } from './backend';
import { worstError, type KnownAnswer } from './knownAnswer';

const TOKENS = 64;
const HEADS = 2;
const HEAD_DIM = 32;
/** Largest error; values lie in −1 … 1. f16 rounds probabilities and products to 11 bits. */
const BOUNDS: Readonly<Record<'float32' | 'float16', number>> = { float32: 1e-4, float16: 2e-2 };

/** Throws what the session throws: that says nothing of the answer. */
export async function computesAttention(backend: Backend): Promise<boolean> {
  const isRight = async (type: 'float32' | 'float16') => (await worstError(backend, known(type))) < BOUNDS[type];
  return (await isRight('float32')) && (!backend.f16 || (await isRight('float16')));
}

function known(type: 'float32' | 'float16'): KnownAnswer {
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
  return { graph: oneNode(type, dims), type, inputs: { q, k, v }, answer };
}

/** A graph of one MultiHeadAttention. */
function oneNode(type: ElemType, dims: readonly number[]): Model {
  const value = (name: string) => ({ name, elemType: type === 'float16' ? FLOAT16 : FLOAT, dims });
  const node = makeNode(
    { name: 'attention', opType: 'MultiHeadAttention', domain: 'com.microsoft' },
    ['q', 'k', 'v'],
    ['out'],
    { num_heads: { int: HEADS } },
  );
  const opset = (domain: string, version: number) => new MessageWriter().string(1, domain).varint(2, version).finish();
  return {
    irVersion: 8,
    opsets: [opset('', 17), opset('com.microsoft', 1)],
    functions: [],
    nodes: [node],
    initializers: new Map(),
    inputs: ['q', 'k', 'v'].map(value),
    outputs: [value('out')],
    valueInfo: new Map(),
  };
}
