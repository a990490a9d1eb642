// Which attention is taken in parts, and what that adds to a graph. That the parts give what the whole would is held
// by engine/fusedAttention.test.ts.

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import type { GraphNode } from '../file/model';
import { readModel } from '../file/read';
import { Graph } from '../graph/graph';
import { op, smallModel } from '../testing/smallModel';
import { attentionInParts } from './attentionInParts';
import { runnable } from './runnable';

const runs = (node: GraphNode) => node.opType !== 'Constant';

test('the built-in model: each self-attention becomes a loop, and cross-attention stays', async () => {
  const read = await readModel(await openAsBlob('public/models/pocket/unet/model.onnx'), 'model.onnx');
  const { model } = runnable(read, { f16: false, fusesAttention: true });
  const nodes = attentionInParts(new Graph(model), model.nodes);
  const count = (opType: string) => nodes.filter((node) => node.opType === opType).length;
  expect([count('Loop'), count('MultiHeadAttention')]).toEqual([7, 7]);
  expect(nodes.filter(runs).length - model.nodes.filter(runs).length).toBe(7 * 11);
});

/** How many nodes run in the place of one attention on Q and K of these shapes. */
function nodesFor(q: (number | string)[], k: (number | string)[], inputs = ['q', 'k', 'k'], attributes = {}): number {
  const model = smallModel({ q, k, bias: null, mask: null }, [
    op('MultiHeadAttention', inputs, ['out'], { num_heads: 8, ...attributes }, 'com.microsoft'),
  ]);
  return attentionInParts(new Graph(model), model.nodes).filter(runs).length;
}

test('sizes that are known decide at once; a mask stays with its attention', () => {
  const [free, small, large] = [
    ['rows', 'tokens', 320],
    [1, 1024, 320],
    [1, 4096, 320],
  ];
  expect(nodesFor(small, small)).toBe(1);
  expect(nodesFor(free, [2, 77, 320])).toBe(1);
  expect(nodesFor(free, free, ['q', 'k', 'k', '', 'mask'])).toBe(1);
  expect(nodesFor(free, free, ['q', 'k', 'k'], { unidirectional: 1 })).toBe(1);
  const parts = nodesFor(large, large);
  expect(parts).toBeGreaterThan(1);
  expect(nodesFor(free, free, ['q', 'k', 'k', 'bias'])).toBe(parts);
  expect(nodesFor(large, free)).toBe(parts);
});
