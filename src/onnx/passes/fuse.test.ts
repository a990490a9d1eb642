// Attention of separate operators becomes one node each, at the same bounds; what cannot be fused is left alone.
// That predictions stay what they were is held by the engine's tests, whose graphs are fused.

import { openAsBlob } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unetFile } from '../../../fixtures/architectures/golden';
import { inferFacts } from '../graph/facts';
import { fuseAttention } from './fuse';
import { Graph } from '../graph/graph';
import { FLOAT, FLOAT16, type Model } from '../file/model';
import { readModel } from '../file/read';
import { surveySites } from '../sites/sites';
import { attentionGraph } from '../testing/attentionGraph';
import { unpackAttention } from './unpack';

async function read(file: Blob): Promise<Model> {
  return unpackAttention(await readModel(file, 'model.onnx'));
}

function count(model: Model, opType: string): number {
  return model.nodes.filter((node) => node.opType === opType).length;
}

describe('UNets as exporters write them', () => {
  const files: [string, () => Promise<Blob> | Blob][] = [
    ['tiny', () => openAsBlob('fixtures/models/tiny/unet/model.onnx')],
    ['the built-in model', () => openAsBlob('public/models/pocket/unet/model.onnx')],
    ...['sd-dynamo', 'sd-dynamo23', 'sd-optimum', 'lcm-baddbmm16'].map((name): [string, () => Blob] => [
      name,
      () => unetFile(name),
    ]),
  ];

  test.each(files)('%s: no product of tokens × tokens is left, and the sites are the same', async (_, file) => {
    const before = await read(await file());
    const after = fuseAttention(before);
    const sites = surveySites(new Graph(before)).sites;
    expect(count(before, 'MultiHeadAttention')).toBe(0);
    // Each transformer layer has self- and cross-attention.
    expect(count(after, 'MultiHeadAttention')).toBe(2 * sites.length);
    expect(
      count(after, 'Softmax') + after.nodes.filter((node) => node.domain === '' && node.opType === 'Attention').length,
    ).toBe(0);
    const bounds = (model: Model) =>
      surveySites(new Graph(model)).sites.map(({ name, q, k, v, output, heads }) => ({
        name,
        q,
        k,
        v,
        output,
        heads,
      }));
    expect(bounds(after)).toEqual(bounds(before));
    // What was fused stays as it is.
    expect(fuseAttention(after)).toBe(after);
  });
});

describe('one attention', () => {
  test('becomes one node, and what only served the others goes', () => {
    const after = fuseAttention(attentionGraph(2, 32));
    expect(after.nodes.map((node) => node.opType)).toEqual(['MatMul', 'MatMul', 'MatMul', 'MultiHeadAttention']);
    expect(after.opsets).toHaveLength(2);
  });

  test('an f16 graph that computes the logits in f32 goes on doing so', () => {
    const after = fuseAttention(attentionGraph(2, 32, FLOAT16, true));
    const fused = after.nodes.find((node) => node.opType === 'MultiHeadAttention');
    const { types } = inferFacts(after);
    expect(fused?.inputs.map((name) => types.get(name))).toEqual([FLOAT, FLOAT, FLOAT]);
    expect(types.get('out')).toBe(FLOAT16);
  });

  test('one head that is too wide gets its queries in sixteen parts', () => {
    const after = fuseAttention(attentionGraph(1, 512));
    expect([count(after, 'Softmax'), count(after, 'Concat'), count(after, 'MultiHeadAttention')]).toEqual([16, 1, 0]);
    expect(fuseAttention(after)).toBe(after);
  });

  test.each([
    ['several heads that are too wide', attentionGraph(2, 512)],
    ['head dims that are no multiple of 4', attentionGraph(2, 12)],
  ])('%s: left alone', (_, model) => {
    expect(fuseAttention(model)).toBe(model);
  });
});
