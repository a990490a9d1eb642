// What is told of values and shapes before a graph runs, held to what ONNX Runtime computes: right, or not known.

import { expect, test } from 'vitest';
import { cut } from '../onnx/segments/cut';
import { Graph } from '../onnx/graph/graph';
import { BOOL, FLOAT, FLOAT16, INT32, INT64, UINT8, type GraphNode } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import { floats, ints, op, smallModel } from '../onnx/testing/smallModel';
import { writeSegment } from '../onnx/segments/write';
import { CpuBackend } from './cpuBackend';
import { loadNodeRuntime } from './testing/nodeRuntime';

const LEAST = -(2 ** 62);
const WEIGHTS = {
  vector: ints([10, 11, 12, 13, 14]),
  matrix: ints([1, 2, 3, 4, 5, 6], [2, 3]),
  column: ints([7, 8], [2, 1]),
  row: ints([7, 8], [1, 2]),
  signed: ints([-7, 7, -6]),
  two: ints([2]),
  minusTwo: ints([-2]),
  minusOne: ints([-1]),
  zero: ints([0]),
  one: ints([1]),
  three: ints([3]),
  least: ints([LEAST]),
  most: ints([-LEAST]),
  zeroOne: ints([0, 1]),
  minusOneZero: ints([-1, 0]),
  ones: ints([1, 1]),
  threeZero: ints([3, 0]),
  zeroMinusOne: ints([0, -1]),
  least2: ints([LEAST, -4]),
  steps: ints([-1, -1]),
  pads: ints([1, 2, 3, 4, 5, 6]),
  turned: ints([2, 0, 1]),
  fractions: floats([4], [2.7, -2.7, -0.5, 3]),
  tenth: floats([1], [0.1]),
  large: floats([2], [300, -1]),
  thirds: floats([2], [1 / 3, 2049]),
  data: floats(
    [2, 6, 1],
    Array.from({ length: 12 }, (_, at) => at),
  ),
  flat: floats([6], [1, 2, 3, 4, 5, 6]),
  matrixF: floats(
    [2, 6],
    Array.from({ length: 12 }, () => 1),
  ),
  none: floats([0, 2], []),
  wide: floats([5, 2, 6, 4], new Array<number>(240).fill(1)),
  image: floats([1, 1, 3, 5], new Array<number>(15).fill(1)),
  kernel: floats([2, 1, 3], new Array<number>(6).fill(1)),
  line: floats([1, 1, 7], new Array<number>(7).fill(1)),
  scales: floats([2], [2, 2]),
  sixths: ints([6, 6]),
};

/** Each makes `out` of WEIGHTS. */
const CASES: Readonly<Record<string, readonly GraphNode[]>> = {
  'Slice backwards': [op('Slice', ['vector', 'minusOne', 'least', 'zero', 'minusOne'], ['out'])],
  'Slice backwards in twos': [op('Slice', ['vector', 'three', 'zero', 'minusOne', 'minusTwo'], ['out'])],
  'Slice backwards from beyond the end': [op('Slice', ['vector', 'most', 'one', 'zero', 'minusOne'], ['out'])],
  'Slice in twos': [op('Slice', ['vector', 'one', 'most', 'zero', 'two'], ['out'])],
  'Slice of rows': [op('Slice', ['matrix', 'one', 'two'], ['out'])],
  'Slice of columns': [op('Slice', ['matrix', 'one', 'three', 'minusOne'], ['out'])],
  'Slice of floats, backwards': [op('Slice', ['data', 'ones', 'least2', 'zeroOne', 'steps'], ['out'])],
  'Cast to INT64': [op('Cast', ['fractions'], ['out'], { to: INT64 })],
  'Cast to INT32': [op('Cast', ['fractions'], ['out'], { to: INT32 })],
  'Cast to BOOL': [op('Cast', ['fractions'], ['out'], { to: BOOL })],
  'Cast to UINT8 of what does not fit': [op('Cast', ['large'], ['out'], { to: UINT8 })],
  'Cast to FLOAT16': [op('Cast', ['thirds'], ['half'], { to: FLOAT16 }), op('Cast', ['half'], ['out'], { to: FLOAT })],
  'Cast of a quotient beside an integer': [
    op('Cast', ['three'], ['float'], { to: FLOAT }),
    op('Div', ['float', 'tenth'], ['quotient']),
    op('Cast', ['quotient'], ['out'], { to: INT64 }),
  ],
  'Div of negative integers': [op('Div', ['signed', 'two'], ['out'])],
  'Div by negative integers': [op('Div', ['signed', 'minusTwo'], ['out'])],
  'Div of INT32': [
    op('Cast', ['signed'], ['narrow'], { to: INT32 }),
    op('Cast', ['two'], ['narrowTwo'], { to: INT32 }),
    op('Div', ['narrow', 'narrowTwo'], ['out']),
  ],
  'Div of parts': [
    op('Split', ['signed'], ['head', 'part'], { axis: 0, num_outputs: 2 }),
    op('Div', ['part', 'two'], ['out']),
  ],
  'Mod of negative integers': [op('Mod', ['signed', 'two'], ['out'])],
  'Range backwards': [
    op('Squeeze', ['three'], ['from']),
    op('Squeeze', ['minusOne'], ['step']),
    op('Squeeze', ['zero'], ['to']),
    op('Range', ['from', 'to', 'step'], ['out']),
  ],
  'Gather from the end': [op('Gather', ['vector', 'minusTwo'], ['out'])],
  'Gather of columns': [op('Gather', ['matrix', 'one'], ['out'], { axis: 1 })],
  'Gather of rows': [op('Gather', ['matrix', 'one'], ['out'])],
  'Concat of columns': [op('Concat', ['matrix', 'column'], ['out'], { axis: 1 })],
  'Concat of columns from the end': [op('Concat', ['row', 'row'], ['out'], { axis: -1 })],
  'Add of a row and a column': [op('Add', ['row', 'column'], ['out'])],
  'Where of a row and a column': [
    op('Equal', ['row', 'column'], ['is']),
    op('Where', ['is', 'row', 'column'], ['out']),
  ],
  'Reshape that copies a size': [op('Reshape', ['data', 'zeroMinusOne'], ['out'])],
  'Reshape to nothing': [op('Reshape', ['none', 'threeZero'], ['out'], { allowzero: 1 })],
  'Unsqueeze from the end': [op('Unsqueeze', ['flat', 'minusOneZero'], ['out'])],
  'Squeeze from the end': [op('Squeeze', ['data', 'minusOne'], ['out'])],
  'Squeeze of all': [op('Squeeze', ['data'], ['out'])],
  'Squeeze of a computed axis': [
    op('NonZero', ['one'], ['found']),
    op('ReduceSum', ['found'], ['axis'], { keepdims: 0 }),
    op('Reshape', ['axis', 'one'], ['axes']),
    op('Sub', ['axes', 'one'], ['last']),
    op('Squeeze', ['data', 'last'], ['out']),
  ],
  'Split into uneven parts': [op('Split', ['vector'], ['first', 'out'], { axis: 0, num_outputs: 2 })],
  'MatMul with a vector': [op('MatMul', ['matrixF', 'flat'], ['out'])],
  'MatMul of a vector': [op('MatMul', ['flat', 'wide'], ['out'])],
  'Gemm of a transposed matrix': [op('Gemm', ['matrixF', 'matrixF'], ['out'], { transA: 1 })],
  'Conv along a line': [op('Conv', ['line', 'kernel'], ['out'], { pads: [1, 0], strides: [2] })],
  'BatchNormalization of channels': [op('BatchNormalization', ['data', 'flat', 'flat', 'flat', 'flat'], ['out'])],
  'Resize of some axes': [op('Resize', ['image', '', 'scales'], ['out'], { axes: [2, 3] })],
  'Resize within sizes': [
    op('Resize', ['image', '', '', 'sixths'], ['out'], { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }),
  ],
  'Resize of the last axes': [op('Resize', ['image', '', '', 'sixths'], ['out'], { axes: [-2, -1] })],
  'Pad of some axes': [op('Pad', ['data', 'pads', '', 'turned'], ['out'])],
  'ReduceSum of no axes': [op('ReduceSum', ['data'], ['out'], { noop_with_empty_axes: 1 })],
  'ReduceMean from the end': [op('ReduceMean', ['data', 'minusTwo'], ['out'], { keepdims: 0 })],
  'a constant list': [
    op('Constant', [], ['list'], { value_ints: [4, 2, 9] }),
    op('Gather', ['list', 'minusOne'], ['out']),
  ],
  'Pow of integers': [op('Pow', ['two', 'minusOne'], ['out'])],
  'Shape from the end': [op('Shape', ['data'], ['out'], { start: -2 })],
};
async function run(nodes: readonly GraphNode[]) {
  const backend = new CpuBackend(await loadNodeRuntime());
  const model = {
    ...smallModel({}, [...nodes, op('Cast', ['out'], ['float of out'], { to: FLOAT })], WEIGHTS, ['float of out']),
    opsets: [new MessageWriter().string(1, '').varint(2, 18).finish()],
  };
  const session = await backend.createSession(writeSegment(model, cut(new Graph(model), [])[0]!).bytes, new Blob([]));
  const { 'float of out': out } = await session.run({});
  const values = [...(await backend.read(out!))];
  await session.dispose();
  return { dims: out!.dims, values };
}

/** As far as they are known, as they are. */
function agree(known: readonly (number | null)[] | null, computed: readonly number[]): boolean {
  return (
    known === null ||
    (known.length === computed.length && known.every((one, at) => one === null || one === computed[at]))
  );
}

test.each(Object.entries(CASES))('%s', async (_, nodes) => {
  const graph = new Graph(smallModel({}, nodes, WEIGHTS));
  const computed = await run(nodes);
  expect(graph.shape('out'), 'shape').toSatisfy((shape: (number | null)[] | null) => agree(shape, computed.dims));
  expect(graph.values('out'), `values ${String(computed.values)}`).toSatisfy((values: (number | null)[] | null) =>
    agree(values, computed.values),
  );
});

test('what is computed of small integers is known', () => {
  const known = [
    'Slice backwards',
    'Slice in twos',
    'Cast to INT64',
    'Cast to BOOL',
    'Div of negative integers',
    'Div of INT32',
    'Gather from the end',
    'a constant list',
    'Shape from the end',
  ];
  for (const name of known)
    expect(new Graph(smallModel({}, CASES[name] ?? [], WEIGHTS)).values('out'), name).not.toBeNull();
});
