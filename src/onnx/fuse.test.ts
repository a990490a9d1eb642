// Attention of separate operators becomes one node each, at the same bounds; what cannot be fused is left alone.
// That predictions stay what they were is held by the engine's tests, whose graphs are fused.

import { openAsBlob } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unetFile } from '../../fixtures/architectures/golden';
import { elemTypes } from './elemTypes';
import { fuseAttention } from './fuse';
import { Graph } from './graph';
import { int64s, makeNode } from './makeNode';
import { FLOAT, FLOAT16, type Model } from './model';
import { MessageWriter } from './protobuf';
import { readModel } from './read';
import { findAttentionSites } from './sites';
import { unpackAttention } from './unpack';

async function read(file: Blob): Promise<Model> {
  return unpackAttention(await readModel(file, 'model.onnx'));
}

function count(model: Model, opType: string): number {
  return model.nodes.filter((node) => node.opType === opType).length;
}

/** Self-attention of `heads`, [rows, 64, channels], as exporters write it, behind three projections of x. */
function attention(heads: number, channels: number, type = FLOAT, widened = false): Model {
  const [split, merged] = [int64s('split', [0, 0, heads, -1]), int64s('merged', [0, 0, channels])];
  const weight = (name: string) => ({ name, dims: [channels, channels], dataType: type, raw: null, range: { location: null, offset: 0, length: 0 }, encoded: null });
  const node = (opType: string, inputs: string[], output: string, attributes: Parameters<typeof makeNode>[3] = {}) => makeNode({ name: output, opType }, inputs, [output], attributes);
  const transpose = (from: string, to: string, perm: number[]) => {
    // makeNode has no attribute of several ints; exporters leave them to decodeNode.
    const attribute = new MessageWriter().string(1, 'perm').varint(20, 7);
    for (const axis of perm) attribute.varint(8, axis);
    return { ...node('Transpose', [from], to), attributes: new Map([['perm', { name: 'perm', i: 0, f: 0, s: '', ints: perm, tensor: null }]]), encoded: new MessageWriter().string(1, from).string(2, to).string(4, 'Transpose').message(5, attribute).finish() };
  };
  const wide = (name: string) => (widened ? `${name}.wide` : name);
  const nodes = ['q', 'k', 'v'].flatMap((name) => [
    node('MatMul', ['x', `w${name}`], name),
    ...(widened ? [node('Cast', [name], wide(name), { to: { int: FLOAT } })] : []),
    node('Reshape', [wide(name), 'split'], `${name}.split`),
    transpose(`${name}.split`, `${name}.heads`, name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3]),
  ]);
  nodes.push(
    node('MatMul', ['q.heads', 'k.heads'], 'logits'), node('Softmax', ['logits'], 'probabilities', { axis: { int: -1 } }),
    node('MatMul', ['probabilities', 'v.heads'], 'mixed'), transpose('mixed', 'tokens', [0, 2, 1, 3]),
    node('Reshape', ['tokens', 'merged'], wide('out')), ...(widened ? [node('Cast', [wide('out')], 'out', { to: { int: FLOAT16 } })] : []),
  );
  const info = (name: string) => ({ name, elemType: type, dims: ['rows', 64, channels] });
  return {
    irVersion: 8, opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()], functions: [], nodes,
    initializers: new Map([split, merged, ...['wq', 'wk', 'wv'].map(weight)].map((tensor) => [tensor.name, tensor])),
    inputs: [info('x')], outputs: [info('out')], valueInfo: new Map(),
  };
}

describe('UNets as exporters write them', () => {
  const files: [string, () => Promise<Blob> | Blob][] = [
    ['tiny', () => openAsBlob('fixtures/models/tiny/unet/model.onnx')],
    ['the built-in model', () => openAsBlob('public/models/pocket/unet/model.onnx')],
    ...['sd-dynamo', 'sd-dynamo23', 'sd-optimum', 'lcm-baddbmm16'].map((name): [string, () => Blob] => [name, () => unetFile(name)]),
  ];

  test.each(files)('%s: no product of tokens × tokens is left, and the sites are the same', async (_, file) => {
    const before = await read(await file());
    const after = fuseAttention(before);
    const sites = findAttentionSites(new Graph(before));
    expect(count(before, 'MultiHeadAttention')).toBe(0);
    // Each transformer layer has self- and cross-attention.
    expect(count(after, 'MultiHeadAttention')).toBe(2 * sites.length);
    expect(count(after, 'Softmax') + after.nodes.filter((node) => node.domain === '' && node.opType === 'Attention').length).toBe(0);
    const bounds = (model: Model) => findAttentionSites(new Graph(model)).map(({ name, q, k, v, output, heads }) => ({ name, q, k, v, output, heads }));
    expect(bounds(after)).toEqual(bounds(before));
    // What was fused stays as it is.
    expect(fuseAttention(after)).toBe(after);
  });
});

describe('one attention', () => {
  test('becomes one node, and what only served the others goes', () => {
    const after = fuseAttention(attention(2, 32));
    expect(after.nodes.map((node) => node.opType)).toEqual(['MatMul', 'MatMul', 'MatMul', 'MultiHeadAttention']);
    expect(after.opsets).toHaveLength(2);
  });

  test('an f16 graph that computes the logits in f32 goes on doing so', () => {
    const after = fuseAttention(attention(2, 32, FLOAT16, true));
    const fused = after.nodes.find((node) => node.opType === 'MultiHeadAttention');
    const types = elemTypes(after);
    expect(fused?.inputs.map((name) => types.get(name))).toEqual([FLOAT, FLOAT, FLOAT]);
    expect(types.get('out')).toBe(FLOAT16);
  });

  test.each([
    ['head dims beyond 160, whose partial results ONNX Runtime would keep', attention(1, 512)],
    ['head dims that are no multiple of 4', attention(2, 12)],
  ])('%s: left alone', (_, model) => {
    expect(fuseAttention(model)).toBe(model);
  });
});
