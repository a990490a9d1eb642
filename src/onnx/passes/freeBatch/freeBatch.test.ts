// Which constants are freed, and into what; and every rule that refuses, with a graph that is refused for that alone.
// That freed UNets predict what diffusers does is held in ../engine/freedBatch.test.ts.

import { describe, expect, test } from 'vitest';
import { inferFacts } from '../../graph/facts';
import { freeBatch } from './freeBatch';
import { INT64, type Model, type GraphNode, type Tensor } from '../../file/model';
import { MessageWriter } from '../../file/protobuf';
import { countVisits } from '../../testing/countVisits';
import { capturing, floats, ints, op, smallModel } from '../../testing/smallModel';

type Weights = Readonly<Record<string, Omit<Tensor, 'name'>>>;

const LATENTS = { sample: [2, 4, 8, 8] };
const counted = (count: number) => Array.from({ length: count }, (_, at) => at);

/** What the freed graph's Reshape, Expand or Slice number `at` reads as its second input and so on. */
function operands(model: Model, opType: string, at = 0): (readonly (number | null)[] | undefined)[] {
  const node = model.nodes.filter((one) => one.opType === opType)[at]!;
  const { values } = inferFacts(model);
  return node.inputs.slice(1).map((name) => values.get(name));
}

function free(
  nodes: readonly GraphNode[],
  weights: Weights = {},
  inputs: Parameters<typeof smallModel>[0] = LATENTS,
): Model {
  const { model, why } = freeBatch(smallModel(inputs, nodes, weights));
  expect(why).toBe('');
  return model as Model;
}

describe('freed', () => {
  test('its inputs and outputs have one free dimension; a timestep of one entry stays one for all rows', () => {
    const inputs = { ...LATENTS, timestep: [1], context: [2, 5, 16], pooled: [2, 12] };
    const model = smallModel(inputs, [op('Relu', ['sample'], ['out'])]);
    const { model: freed } = freeBatch({ ...model, outputs: [{ name: 'out', elemType: 1, dims: [2, 4, 8, 8] }] });
    expect(freed?.inputs.map(({ dims }) => dims)).toEqual([['rows', 4, 8, 8], [1], ['rows', 5, 16], ['rows', 12]]);
    expect(freed?.outputs[0]?.dims).toEqual(['rows', 4, 8, 8]);
  });

  test('a timestep with an entry a row becomes one of as many rows', () => {
    const model = free(
      [
        op('Expand', ['timestep', 'two'], ['t']),
        op('Reshape', ['t', 'shape'], ['t4']),
        op('Add', ['sample', 't4'], ['out']),
      ],
      { two: ints([2]), shape: ints([2, 1, 1, 1]) },
      { ...LATENTS, timestep: [2] },
    );
    expect(model.inputs[1]?.dims).toEqual(['rows']);
    expect([operands(model, 'Expand'), operands(model, 'Reshape')]).toEqual([[[1]], [[-1, 1, 1, 1]]]);
  });

  test('a timestep that is repeated for each row is repeated for as many as there are', () => {
    const model = free(
      [
        op('Expand', ['timestep', 'two'], ['t']),
        op('Unsqueeze', ['t', 'axes'], ['t4']),
        op('Add', ['sample', 't4'], ['out']),
      ],
      { two: ints([2]), axes: ints([1, 2, 3]) },
      { ...LATENTS, timestep: [] },
    );
    for (const rows of [1, 3])
      expect(inferFacts(model, new Map([['sample', [rows, 4, 8, 8]]])).shapes.get('t')).toEqual([rows]);
  });

  test('the targets of attention: heads beside the rows, heads folded into them, and back', () => {
    const nodes = [
      op('Reshape', ['sample', 'tokens'], ['a']),
      op('Reshape', ['a', 'split'], ['b']),
      op('Transpose', ['b'], ['c'], { perm: [0, 2, 1, 3] }),
      op('Reshape', ['c', 'folded'], ['d']),
      op('Reshape', ['d', 'back'], ['e']),
      op('Reshape', ['e', 'image'], ['out']),
    ];
    const weights = {
      tokens: ints([2, -1, 4]),
      split: ints([2, 64, 2, 2]),
      folded: ints([4, 64, 2]),
      back: ints([2, 2, 64, 2]),
      image: ints([2, 4, 8, 8]),
    };
    const model = free(nodes, weights);
    expect(counted(5).map((at) => operands(model, 'Reshape', at)[0])).toEqual([
      [-1, 64, 4],
      [-1, 64, 2, 2],
      [-1, 64, 2],
      [-1, 2, 64, 2],
      [-1, 4, 8, 8],
    ]);
  });

  test('with a batch of 1 too, where any 1 might be the batch', () => {
    const nodes = [
      op('Reshape', ['sample', 'ones'], ['a']),
      op('Transpose', ['a'], ['b'], { perm: [0, 2, 1, 3] }),
      op('Reshape', ['b', 'folded'], ['c']),
      op('MatMul', ['c', 'w'], ['d']),
      op('Reshape', ['d', 'image'], ['e']),
      op('Add', ['e', 'bias'], ['out']),
    ];
    const weights = {
      ones: ints([1, 1, 64, 4]),
      folded: ints([64, 4]),
      w: floats([4, 4], counted(16)),
      image: ints([1, 4, 8, 8]),
      bias: floats([1, 4, 1, 1], counted(4)),
    };
    const model = free(nodes, weights, { sample: [1, 4, 8, 8] });
    expect(counted(3).map((at) => operands(model, 'Reshape', at)[0])).toEqual([
      [-1, 1, 64, 4],
      [-1, 4],
      [-1, 4, 8, 8],
    ]);
  });

  test('a −1 behind a batch of 1 is not taken for the rows', () => {
    const model = free(
      [op('Reshape', ['sample', 'flat'], ['a']), op('Gemm', ['a', 'w', 'a'], ['out'])],
      { flat: ints([1, -1]), w: floats([256, 256], counted(65536)) },
      { sample: [1, 4, 8, 8] },
    );
    expect(operands(model, 'Reshape')).toEqual([[-1, 256]]);
  });

  test('targets that are stored as lists of numbers are read too', () => {
    const encoded = new MessageWriter()
      .varint(1, 2)
      .varint(2, INT64)
      .string(8, 'shape')
      .varint(7, 2)
      .varint(7, 256)
      .finish();
    const model = free([op('Reshape', ['sample', 'shape'], ['out'])], {
      shape: { dims: [2], dataType: INT64, raw: null, range: null, encoded },
    });
    expect(operands(model, 'Reshape')).toEqual([[-1, 256]]);
  });

  test('what already follows the rows stays: zeros, −1, and shapes that the graph computes', () => {
    const nodes = [
      op('Reshape', ['sample', 'groups'], ['a']),
      op('InstanceNormalization', ['a', 'one', 'one'], ['b']),
      op('Shape', ['sample'], ['s']),
      op('Reshape', ['b', 's'], ['out']),
    ];
    const model = free(nodes, { groups: ints([0, 2, -1]), one: floats([2], [1, 1]) });
    expect(model.nodes).toEqual(nodes);
  });

  test('sizes of other axes that the graph leaves open stay open', () => {
    const model = free(
      [op('Reshape', ['sample', 'tokens'], ['a']), op('Reshape', ['a', 'image'], ['out'])],
      { tokens: ints([2, -1, 4]), image: ints([0, 4, 8, -1]) },
      { sample: [2, 4, 'height', 'width'] },
    );
    expect(operands(model, 'Reshape', 0)).toEqual([[0, -1, 4]]);
  });

  test('a slice of all rows, sizes of a Resize, and the same zeros for each row', () => {
    const nodes = [
      op('Slice', ['sample', 'zero', 'two', 'first'], ['a']),
      op('Resize', ['a', '', '', 'sizes'], ['b'], { mode: 'nearest' }),
      op('Constant', [], ['c']),
      op('Add', ['b', 'zeros'], ['out']),
    ];
    const model = free(nodes, {
      zero: ints([0]),
      two: ints([2]),
      first: ints([0]),
      sizes: ints([2, 4, 16, 16]),
      zeros: floats([2, 1, 1, 1], [0, 0]),
    });
    expect(operands(model, 'Slice')).toEqual([[0], [Number.MAX_SAFE_INTEGER], [0], [1]]);
    expect(inferFacts(model, new Map([['sample', [3, 4, 8, 8]]])).shapes.get('b')).toEqual([3, 4, 16, 16]);
    expect(model.nodes.at(-1)?.inputs[1]).not.toBe('zeros');
  });

  test('rows that move and come back, and a reduction beside them', () => {
    free([
      op('Transpose', ['sample'], ['a'], { perm: [2, 3, 0, 1] }),
      op('Softmax', ['a'], ['b'], { axis: 3 }),
      op('Transpose', ['b'], ['c'], { perm: [2, 3, 0, 1] }),
      op('ReduceMean', ['c'], ['d'], { axes: [-1], keepdims: 1 }),
      op('Sub', ['sample', 'd'], ['out']),
    ]);
  });

  test('every operator of com.microsoft that exporters write keeps them on the first axis', () => {
    const microsoft = (opType: string, inputs: readonly string[], outputs: readonly string[], attributes = {}) =>
      op(opType, inputs, outputs, attributes, 'com.microsoft');
    const nodes = [
      op('Reshape', ['sample', 'tokens'], ['a']),
      microsoft('SkipLayerNormalization', ['a', 'a', 'g', 'g'], ['b', '', '', 'sum']),
      microsoft('MultiHeadAttention', ['b', 'b', 'sum'], ['c'], { num_heads: 2 }),
      op('Concat', ['c', 'c'], ['d'], { axis: 2 }),
      microsoft('BiasSplitGelu', ['d', 'g8'], ['e']),
      microsoft('FusedMatMul', ['e', 'w'], ['f'], { transB: 1 }),
      op('Attention', ['f', 'f', 'f'], ['h'], { q_num_heads: 2, kv_num_heads: 2 }),
      op('Einsum', ['h', 'h'], ['i'], { equation: 'bnd,bmd->bnm' }),
      op('ReduceSum', ['i', 'last'], ['j'], { keepdims: 0 }),
      op('Reshape', ['j', 'image'], ['k']),
      op('Add', ['sample', 'k'], ['out']),
    ];
    const weights = {
      tokens: ints([2, 64, 4]),
      g: floats([4], counted(4)),
      g8: floats([8], counted(8)),
      w: floats([4, 4], counted(16)),
      last: ints([2]),
      image: ints([2, 1, 8, 8]),
    };
    free(nodes, weights);
  });

  test('it is left as it was', () => {
    const model = smallModel(LATENTS, [op('Reshape', ['sample', 'shape'], ['out'])], { shape: ints([2, 256]) });
    const before = JSON.stringify([...model.initializers, model.nodes, model.inputs]);
    freeBatch(model);
    expect(JSON.stringify([...model.initializers, model.nodes, model.inputs])).toBe(before);
  });
});

const shapeOfSample = op('Shape', ['sample'], ['s']);
/** What is refused, how the reason begins, and the graph. */
const REFUSED: readonly [string, string, readonly GraphNode[], Weights?, Parameters<typeof smallModel>[0]?][] = [
  [
    'a sum over the rows',
    'ReduceSum',
    [op('ReduceSum', ['sample', 'axes'], ['m'], { keepdims: 1 }), op('Add', ['sample', 'm'], ['out'])],
    { axes: ints([0]) },
  ],
  ['a mean over everything', 'ReduceMean', [op('ReduceMean', ['sample'], ['m']), op('Sub', ['sample', 'm'], ['out'])]],
  ['a softmax over the rows', 'Softmax', [op('Softmax', ['sample'], ['out'], { axis: 0 })]],
  [
    'a softmax over axes behind which rows were moved',
    'Softmax',
    [
      op('Transpose', ['sample'], ['a'], { perm: [1, 0, 2, 3] }),
      op('Softmax', ['a'], ['b'], { axis: 1 }),
      op('Transpose', ['b'], ['out'], { perm: [1, 0, 2, 3] }),
    ],
  ],
  [
    'a layer normalisation over all axes',
    'LayerNormalization',
    [op('LayerNormalization', ['sample', 'g'], ['out'], { axis: 0 })],
    { g: floats([2, 4, 8, 8], counted(512)) },
  ],
  [
    'channels in which rows were moved',
    'InstanceNormalization',
    [
      op('Transpose', ['sample'], ['a'], { perm: [1, 0, 2, 3] }),
      op('InstanceNormalization', ['a', 'g', 'g'], ['b']),
      op('Transpose', ['b'], ['out'], { perm: [1, 0, 2, 3] }),
    ],
    { g: floats([2], [1, 2]) },
  ],
  ['a convolution whose weights come from the rows', 'Conv', [op('Conv', ['sample', 'sample'], ['out'])]],
  [
    'a product that sums over the rows',
    'MatMul',
    [
      op('Transpose', ['sample'], ['a'], { perm: [1, 2, 3, 0] }),
      op('MatMul', ['a', 'w'], ['b']),
      op('Transpose', ['b'], ['out'], { perm: [3, 0, 1, 2] }),
    ],
    { w: floats([2, 2], counted(4)) },
  ],
  [
    'a product with a matrix for each row',
    'MatMul',
    [op('Reshape', ['sample', 'tokens'], ['a']), op('MatMul', ['a', 'w'], ['out'])],
    { tokens: ints([2, 64, 4]), w: floats([2, 4, 4], counted(32)) },
  ],
  [
    'a transposed Gemm',
    'Gemm',
    [op('Flatten', ['sample'], ['a']), op('Gemm', ['a', 'w'], ['out'], { transA: 1 })],
    { w: floats([2, 2], counted(4)) },
  ],
  [
    'a Gemm with a bias for each row',
    'Gemm',
    [op('Flatten', ['sample'], ['a']), op('Gemm', ['a', 'w', 'c'], ['out'])],
    { w: floats([256, 1], counted(256)), c: floats([2, 1], [1, 2]) },
  ],
  [
    'an Einsum that sums over the rows',
    'Einsum',
    [op('Einsum', ['sample', 'sample'], ['m'], { equation: 'bchw,bchw->chw' }), op('Add', ['sample', 'm'], ['out'])],
  ],
  ['a number for each row', 'Add', [op('Add', ['sample', 'c'], ['out'])], { c: floats([2, 1, 1, 1], [1, 2]) }],
  [
    'a number for each head, with the heads folded into the one row',
    'Mul',
    [op('Reshape', ['sample', 'folded'], ['a']), op('Mul', ['a', 'c'], ['b']), op('Reshape', ['b', 'image'], ['out'])],
    { folded: ints([4, 64, 1]), c: floats([4, 1, 1], counted(4)), image: ints([1, 4, 8, 8]) },
    { sample: [1, 4, 8, 8] },
  ],
  [
    'rows beside rows elsewhere',
    'Add',
    [
      op('Reshape', ['sample', 'image'], ['a']),
      op('Transpose', ['a'], ['b'], { perm: [1, 0, 2] }),
      op('Add', ['a', 'b'], ['out']),
    ],
    { image: ints([2, 2, 128]) },
  ],
  ['rows put behind one another', 'Concat', [op('Concat', ['sample', 'sample'], ['out'], { axis: 0 })]],
  [
    'a constant put beside the rows',
    'Concat',
    [op('Concat', ['sample', 'c'], ['out'], { axis: 1 })],
    { c: floats([2, 1, 8, 8], counted(128)) },
  ],
  [
    'a part of the rows',
    'Slice',
    [op('Slice', ['sample', 'zero', 'one', 'zero'], ['a']), op('Add', ['sample', 'a'], ['out'])],
    { zero: ints([0]), one: ints([1]) },
  ],
  [
    'the last row',
    'Slice',
    [op('Slice', ['sample', 'last', 'end', 'zero'], ['a']), op('Add', ['sample', 'a'], ['out'])],
    { last: ints([-1]), end: ints([9]), zero: ints([0]) },
  ],
  [
    'rows in reverse',
    'Slice',
    [op('Slice', ['sample', 'last', 'end', 'zero', 'back'], ['out'])],
    { last: ints([-1]), end: ints([-9]), zero: ints([0]), back: ints([-1]) },
  ],
  [
    'rows split up',
    'Split',
    [op('Split', ['sample'], ['a', 'b'], { axis: 0 }), op('Concat', ['a', 'b'], ['out'], { axis: 0 })],
  ],
  [
    'one row picked out',
    'Gather',
    [op('Gather', ['sample', 'zero'], ['a']), op('Add', ['sample', 'a'], ['out'])],
    { zero: ints([0], []) },
  ],
  [
    'the one row of a batch of 1 squeezed out',
    'Squeeze',
    [op('Squeeze', ['sample', 'zero'], ['a']), op('Unsqueeze', ['a', 'zero'], ['out'])],
    { zero: ints([0]) },
    { sample: [1, 4, 8, 8] },
  ],
  ['whatever is 1 squeezed out', 'Squeeze', [op('Squeeze', ['sample'], ['out'])], {}, { sample: [1, 4, 8, 8] }],
  [
    'the one row of a batch of 1 repeated',
    'Expand',
    [op('Expand', ['sample', 'two'], ['out'])],
    { two: ints([2, 4, 8, 8]) },
    { sample: [1, 4, 8, 8] },
  ],
  ['rows repeated', 'Tile', [op('Tile', ['sample', 'twice'], ['out'])], { twice: ints([2, 1, 1, 1]) }],
  ['rows padded', 'Pad', [op('Pad', ['sample', 'pads'], ['out'])], { pads: ints([0, 0, 0, 0, 1, 0, 0, 0]) }],
  [
    'rows between rows',
    'Resize',
    [op('Resize', ['sample', '', 'scales'], ['out'])],
    { scales: floats([4], [2, 1, 1, 1]) },
  ],
  [
    'sizes with other rows',
    'Resize',
    [op('Resize', ['sample', '', '', 'sizes'], ['out'])],
    { sizes: ints([4, 4, 8, 8]) },
  ],
  [
    'rows torn apart',
    'Reshape',
    [op('Reshape', ['sample', 'torn'], ['out'])],
    { torn: ints([3, 2, 1, 1]) },
    { sample: [2, 3, 1, 1] },
  ],
  [
    'rows merged with what lies before them',
    'Reshape',
    [op('Transpose', ['sample'], ['a'], { perm: [1, 0, 2, 3] }), op('Reshape', ['a', 'merged'], ['out'])],
    { merged: ints([8, 64]) },
  ],
  [
    'a target that is not known',
    'Reshape',
    [op('Range', ['zero', 'end', 'step'], ['t']), op('Reshape', ['sample', 't'], ['out'])],
    { zero: ints([0], []), end: ints([4], []), step: ints([1], []) },
  ],
  [
    'a target of zeros that are sizes',
    'Reshape',
    [op('Reshape', ['sample', 'shape'], ['out'], { allowzero: 1 })],
    { shape: ints([0, 256]) },
  ],
  [
    'the number of rows as a number',
    'Div',
    [
      shapeOfSample,
      op('Gather', ['s', 'zero'], ['n']),
      op('Cast', ['n'], ['f'], { to: 1 }),
      op('Div', ['sample', 'f'], ['out']),
    ],
    { zero: ints([0], []) },
  ],
  [
    'a question how many rows there are',
    'Equal',
    [
      shapeOfSample,
      op('Gather', ['s', 'zero'], ['n']),
      op('Equal', ['n', 'three'], ['is']),
      op('Where', ['is', 'a', 'b'], ['t']),
      op('Concat', ['t', 'rest'], ['shape'], { axis: 0 }),
      op('Reshape', ['sample', 'shape'], ['out']),
    ],
    { zero: ints([0]), three: ints([3]), a: ints([7]), b: ints([-1]), rest: ints([256]) },
  ],
  [
    'arithmetic on the number of rows that is not known',
    'ReduceProd',
    [shapeOfSample, op('ReduceProd', ['s'], ['n']), op('Reshape', ['sample', 'n'], ['out'])],
  ],
  ['the number of all entries', 'Size', [op('Size', ['sample'], ['n']), op('Reshape', ['sample', 'n'], ['out'])]],
  [
    'a scale measured over all rows',
    'DynamicQuantizeLinear',
    [
      op('DynamicQuantizeLinear', ['sample'], ['q', 'scale', 'zero']),
      op('DequantizeLinear', ['q', 'scale', 'zero'], ['out']),
    ],
  ],
  [
    'a scale for each row',
    'QuantizeLinear',
    [op('QuantizeLinear', ['sample', 'scale'], ['out'], { axis: 0 })],
    { scale: floats([2], [1, 2]) },
  ],
  [
    'attention with a mask',
    'MultiHeadAttention',
    [
      op('Reshape', ['sample', 'tokens'], ['a']),
      op('MultiHeadAttention', ['a', 'a', 'a', '', 'mask'], ['out'], { num_heads: 2 }, 'com.microsoft'),
    ],
    { tokens: ints([2, 64, 4]), mask: ints([64, 64]) },
  ],
  [
    'attention to a constant',
    'MultiHeadAttention',
    [
      op('Reshape', ['sample', 'tokens'], ['a']),
      op('MultiHeadAttention', ['a', 'k', 'k'], ['out'], { num_heads: 2 }, 'com.microsoft'),
    ],
    { tokens: ints([2, 64, 4]), k: floats([2, 3, 4], counted(24)) },
  ],
  [
    'ONNX attention with a mask',
    'Attention',
    [op('Attention', ['sample', 'sample', 'sample', 'mask'], ['out'])],
    { mask: floats([8, 8], counted(64)) },
  ],
  ['an operator that is not known', 'Erq', [op('Erq', ['sample'], ['out'])]],
  ['an operator of a domain that is not known', 'Relu', [op('Relu', ['sample'], ['out'], {}, 'my.domain')]],
  ['a subgraph that reads the rows', 'If', [capturing(op('If', ['yes'], ['out']), ['sample'])], { yes: ints([1], []) }],
  ['an output whose rows were moved', 'The output out', [op('Transpose', ['sample'], ['out'], { perm: [1, 0, 2, 3] })]],
  [
    'an output in which rows are not on the first axis',
    'The output out',
    [op('Reshape', ['sample', 'shape'], ['out'])],
    { shape: ints([1, 512]) },
  ],
  ['an output that no row reaches', 'The output out', [op('Relu', ['c'], ['out'])], { c: floats([2, 1], [1, 2]) }],
  ['a further output of which nothing is known', 'Dropout', [op('Dropout', ['sample'], ['out', 'mask'])]],
  [
    'a prompt for another number of rows',
    'context has',
    [op('Relu', ['sample'], ['out'])],
    {},
    { ...LATENTS, context: [1, 5, 16] },
  ],
  [
    'a prompt of no declared sizes',
    'The sizes of context',
    [op('Relu', ['sample'], ['out'])],
    {},
    { ...LATENTS, context: null },
  ],
  [
    'two inputs of latents',
    'There is no one input',
    [op('Add', ['sample', 'more'], ['out'])],
    {},
    { ...LATENTS, more: [2, 4, 8, 8] },
  ],
  [
    'a batch that is free',
    'There is no one input',
    [op('Relu', ['sample'], ['out'])],
    {},
    { sample: ['batch', 4, 8, 8] },
  ],
  ['a batch of none', '0 is no number', [op('Relu', ['sample'], ['out'])], {}, { sample: [0, 4, 8, 8] }],
  ['a batch of a million', '1000000 is no number', [op('Relu', ['sample'], ['out'])], {}, { sample: [1e6, 4, 8, 8] }],
];

describe('not freed, and it is said why', () => {
  test.each(REFUSED)('%s', (_, begin, nodes, weights = {}, inputs = LATENTS) => {
    const { model, why } = freeBatch(smallModel(inputs, nodes, weights));
    expect(model).toBeNull();
    expect(why.slice(0, begin.length)).toBe(begin);
  });
});

describe('graphs made to be endless: twice as many nodes cost twice as much', () => {
  const chain = (length: number, link: (from: string, to: string) => GraphNode) =>
    counted(length).map((at) => link(at === 0 ? 'sample' : `v${at}`, at === length - 1 ? 'out' : `v${at + 1}`));
  const wide = new Array<string>(9000).fill('sample');
  const taken = Object.fromEntries(counted(4_000).map((at) => [`rows.integers.${at}`, ints([1])]));

  test.each<[string, number, (length: number) => readonly GraphNode[], Weights?]>([
    [
      'Reshapes',
      1000,
      (length) => chain(length, (from, to) => op('Reshape', [from, 'shape'], [to])),
      { shape: ints([2, 4, 8, 8]) },
    ],
    [
      'Reshapes, and the names of their targets are taken',
      1000,
      (length) => chain(length, (from, to) => op('Reshape', [from, 'shape'], [to])),
      { shape: ints([2, 4, 8, 8]), ...taken },
    ],
    [
      'additions of the same zeros',
      1000,
      (length) => chain(length, (from, to) => op('Add', [from, 'zeros'], [to])),
      { zeros: floats([2, 1, 1, 1], [0, 0]) },
    ],
    [
      'Concats of 9,000',
      10,
      (length) => counted(length).map((at) => op('Concat', wide, [at === 0 ? 'out' : `v${at}`], { axis: 1 })),
    ],
    [
      'shapes that double',
      20,
      (length) => [
        op('Shape', ['sample'], ['v0']),
        ...counted(length).map((at) => op('Concat', [`v${at}`, `v${at}`], [`v${at + 1}`], { axis: 0 })),
        op('Reshape', ['sample', `v${length}`], ['out']),
      ],
    ],
    [
      'sizes that grow beyond all numbers',
      1000,
      (length) => chain(length, (from, to) => op('Tile', [from, 'many'], [to])),
      { many: ints([1, 1, 1e6, 1e6]) },
    ],
    [
      'dimensions that are added',
      1000,
      (length) => chain(length, (from, to) => op('Unsqueeze', [from, 'axis'], [to])),
      { axis: ints([1]) },
    ],
  ])('%s', (_, length, make, weights = {}) => {
    const reads = (nodes: readonly GraphNode[]) => {
      const { model, visits } = countVisits(smallModel(LATENTS, nodes, weights));
      freeBatch(model);
      return visits();
    };
    const [one, two] = [reads(make(length)), reads(make(2 * length))];
    expect(two / one, `${one} and ${two} reads of nodes`).toBeLessThan(2.05);
  });
});
