// One self-attention of separate operators as exporters write it, behind three projections of its input.

import { int64s, makeNode } from '../file/makeNode';
import { FLOAT, FLOAT16, type Model, type Tensor } from '../file/model';
import { MessageWriter } from '../file/protobuf';

/**
 * x [rows, tokens, channels] → out. Weights are whole numbers over 64, small enough for softmaxes that are not one-hot.
 * @param widened the logits of an f16 graph are in f32.
 */
export function attentionGraph(heads: number, channels: number, type = FLOAT, widened = false): Model {
  const node = (opType: string, inputs: string[], output: string, attributes: Parameters<typeof makeNode>[3] = {}) =>
    makeNode({ name: output, opType }, inputs, [output], attributes);
  const transpose = (from: string, to: string, perm: number[]) =>
    node('Transpose', [from], to, { perm: { ints: perm } });
  const wide = (name: string) => (widened ? `${name}.wide` : name);
  const nodes = ['q', 'k', 'v'].flatMap((name) => [
    node('MatMul', ['x', `w${name}`], name),
    ...(widened ? [node('Cast', [name], wide(name), { to: { int: FLOAT } })] : []),
    node('Reshape', [wide(name), 'split'], `${name}.split`),
    transpose(`${name}.split`, `${name}.heads`, name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3]),
  ]);
  nodes.push(
    node('MatMul', ['q.heads', 'k.heads'], 'products'),
    node('Constant', [], 'factor', {
      value: {
        tensor: new MessageWriter().varint(2, FLOAT).bytes(9, bytes(Float32Array.of(1 / Math.sqrt(channels / heads)))),
      },
    }),
    node('Mul', ['products', 'factor'], 'logits'),
    node('Softmax', ['logits'], 'probabilities', { axis: { int: -1 } }),
    node('MatMul', ['probabilities', 'v.heads'], 'mixed'),
    transpose('mixed', 'tokens', [0, 2, 1, 3]),
    node('Reshape', ['tokens', 'merged'], wide('out')),
    ...(widened ? [node('Cast', [wide('out')], 'out', { to: { int: FLOAT16 } })] : []),
  );
  const constants = [
    int64s('split', [0, 0, heads, -1]),
    int64s('merged', [0, 0, channels]),
    ...['wq', 'wk', 'wv'].map((name, index) => weight(name, channels, type, index)),
  ];
  const info = (name: string) => ({ name, elemType: type, dims: ['rows', 'tokens', channels] });
  return {
    irVersion: 8,
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    functions: [],
    nodes,
    initializers: new Map(constants.map((tensor) => [tensor.name, tensor])),
    inputs: [info('x')],
    outputs: [info('out')],
    valueInfo: new Map(),
  };
}

function weight(name: string, channels: number, type: number, seed: number): Tensor {
  const values = Float32Array.from(
    { length: channels * channels },
    (_, at) => (((at * (7 + seed)) % 23) - 11) / 64 / Math.sqrt(channels / 32),
  );
  return {
    name,
    dims: [channels, channels],
    dataType: type,
    raw: type === FLOAT ? bytes(values) : new Uint8Array(2 * values.length),
    range: null,
    encoded: null,
  };
}

function bytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer);
}
