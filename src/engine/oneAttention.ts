// A graph of one MultiHeadAttention: Q, K, V [rows, tokens, heads·dim] → out, the same.

import { makeNode } from '../onnx/file/makeNode';
import { FLOAT, FLOAT16, type Model } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import type { AttentionSettings } from './backend';

/** `dims` of all four, in ONNX's words: sizes, or names of those that are free. */
export function oneAttention(
  type: 'float32' | 'float16',
  dims: readonly (number | string)[],
  { heads, scale }: AttentionSettings,
): Model {
  const value = (name: string) => ({ name, elemType: type === 'float16' ? FLOAT16 : FLOAT, dims });
  const node = makeNode(
    { name: 'attention', opType: 'MultiHeadAttention', domain: 'com.microsoft' },
    ['q', 'k', 'v'],
    ['out'],
    { num_heads: { int: heads }, ...(scale === null ? {} : { scale: { float: scale } }) },
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
