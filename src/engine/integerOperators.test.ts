// Operators of quantizers that compute with integers, held to the same product of floats: what ONNX Runtime makes of
// the file as it is differs from it by no more than its roundings, and what we make of it by nothing.

import { describe, expect, test } from 'vitest';
import { unetFile } from '../../fixtures/architectures/golden';
import { INT32, INT8, UINT8, type Model, type GraphNode, type Tensor } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import { integerOperators } from '../onnx/passes/floatActivations';
import { runnable } from '../onnx/passes/runnable';
import { writeSegment } from '../onnx/segments/write';
import { floats, op, smallModel } from '../onnx/testing/smallModel';
import type { Backend } from './backend';
import { CpuBackend } from './cpuBackend';
import { openModel } from './testing/openModel';
import { integerNotices } from './integerOperators';
import { readModelFiles } from './modelFiles';
import { OnnxFile } from './onnxFile';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';

type Weight = Omit<Tensor, 'name'>;

const backend = new CpuBackend(await loadNodeRuntime());
const typed = (dims: readonly number[], dataType: number, raw: Uint8Array): Weight => ({
  dims,
  dataType,
  raw,
  range: null,
  encoded: null,
});
const int8 = (dims: readonly number[], values: readonly number[]) =>
  typed(dims, INT8, new Uint8Array(Int8Array.from(values).buffer));
const uint8 = (dims: readonly number[], values: readonly number[]) => typed(dims, UINT8, Uint8Array.from(values));

const X = [0.9, -0.31, 0.47, 0.05, -0.77, 0.62, 0.13, -0.58];
/** [4, 3], and of a convolution [3, 4, 1, 1]. */
const W = [17, -90, 31, 127, 5, -64, -12, 77, 40, 101, -33, 8];
const SCALES = [0.01, 0.02, 0.005];
const BIAS = [0.5, -0.25, 1];
/** Of x and y in files that fix them. */
const STEP_X = 1 / 128;
const STEP_Y = 1 / 32;

const WEIGHTS: Readonly<Record<string, Weight>> = {
  w: int8([4, 3], W),
  filters: int8(
    [3, 4, 1, 1],
    [0, 1, 2].flatMap((out) => [0, 1, 2, 3].map((at) => W[3 * at + out]!)),
  ),
  scales: floats([3], SCALES),
  scalesOfFilters: floats([1, 3, 1, 1], SCALES),
  zeros: int8([3], [0, 0, 0]),
  bias: floats([3], BIAS),
  stepX: floats([], [STEP_X]),
  zeroX: uint8([], [128]),
  stepY: floats([], [STEP_Y]),
  zeroY: uint8([], [128]),
  biasOfFilters: typed(
    [3],
    INT32,
    new Uint8Array(Int32Array.from(BIAS, (value, at) => Math.round(value / (STEP_X * SCALES[at]!))).buffer),
  ),
};

const DYNAMIC = op('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']);
const ROUND_X = op('QuantizeLinear', ['x', 'stepX', 'zeroX'], ['q']);
const ROUNDED_PRODUCT = op('QLinearMatMul', ['q', 'stepX', 'zeroX', 'w', 'scales', 'zeros', 'stepY', 'zeroY'], ['y']);
const OUT = op('DequantizeLinear', ['y', 'stepY', 'zeroY'], ['out']);

interface Case {
  readonly nodes: readonly GraphNode[];
  /** Of the sizes that a convolution takes, [2, 4, 1, 1]. */
  readonly picture?: true;
  readonly bias?: true;
  readonly turned?: true;
  /** Steps of the output's rounding. */
  readonly roundsOutput?: true;
}

const CASES: Readonly<Record<string, Case>> = {
  DynamicQuantizeMatMul: {
    nodes: [op('DynamicQuantizeMatMul', ['x', 'w', 'scales', 'zeros', 'bias'], ['out'], {}, 'com.microsoft')],
    bias: true,
  },
  MatMulIntegerToFloat: {
    nodes: [
      DYNAMIC,
      op('MatMulIntegerToFloat', ['q', 'w', 's', 'scales', 'z', 'zeros', 'bias'], ['out'], {}, 'com.microsoft'),
    ],
    bias: true,
  },
  'ConvInteger with a scale a filter': {
    nodes: [
      DYNAMIC,
      op('ConvInteger', ['q', 'filters', 'z'], ['sums']),
      op('Cast', ['sums'], ['floats'], { to: 1 }),
      op('Mul', ['s', 'scalesOfFilters'], ['both']),
      op('Mul', ['floats', 'both'], ['out']),
    ],
    picture: true,
  },
  QLinearMatMul: { nodes: [ROUND_X, ROUNDED_PRODUCT, OUT], roundsOutput: true },
  'integers that are moved': {
    nodes: [
      ROUND_X,
      ROUNDED_PRODUCT,
      op('Transpose', ['y'], ['t'], { perm: [1, 0] }),
      op('DequantizeLinear', ['t', 'stepY', 'zeroY'], ['out']),
    ],
    turned: true,
    roundsOutput: true,
  },
  QLinearConv: {
    nodes: [
      ROUND_X,
      op(
        'QLinearConv',
        ['q', 'stepX', 'zeroX', 'filters', 'scales', 'zeros', 'stepY', 'zeroY', 'biasOfFilters'],
        ['y'],
      ),
      OUT,
    ],
    picture: true,
    bias: true,
    roundsOutput: true,
  },
  'a sum of integers': {
    nodes: [
      ROUND_X,
      ROUNDED_PRODUCT,
      op(
        'QLinearAdd',
        ['y', 'stepY', 'zeroY', 'y', 'stepY', 'zeroY', 'stepY', 'zeroY'],
        ['twice'],
        {},
        'com.microsoft',
      ),
      op(
        'QLinearMul',
        ['twice', 'stepY', 'zeroY', 'half', 'stepX', 'zeroX', 'stepY', 'zeroY'],
        ['z'],
        {},
        'com.microsoft',
      ),
      op('DequantizeLinear', ['z', 'stepY', 'zeroY'], ['out']),
    ],
    roundsOutput: true,
  },
};

function graphOf({ nodes, picture }: Case): Model {
  const model = smallModel({ x: picture ? [2, 4, 1, 1] : [2, 4] }, nodes, { ...WEIGHTS, half: uint8([1], [192]) });
  const opset = (domain: string, version: number) => new MessageWriter().string(1, domain).varint(2, version).finish();
  return { ...model, opsets: [opset('', 17), opset('com.microsoft', 1)] };
}

function bytesOf(model: Model): Uint8Array<ArrayBuffer> {
  return writeSegment(model, { nodes: model.nodes, inputs: ['x'], outputs: ['out'], sites: [] }).bytes;
}

async function run(model: Model): Promise<Float32Array> {
  const session = await backend.createSession(bytesOf(model), new Blob([]));
  const { out } = await session.run({ x: backend.upload('float32', model.inputs[0]?.dims as number[], X) });
  const values = Float32Array.from(await backend.read(out!));
  await session.dispose();
  return values;
}

/** x·W and its bias, [2, 3]; and by how much roundings of x, of numbers below 1 to 255 steps, may change an element. */
function product({ bias, turned }: Case): { values: number[]; rounding: number[] } {
  const at = turned ? [0, 3, 1, 4, 2, 5] : [0, 1, 2, 3, 4, 5];
  const sums = at.map((place) => {
    const [row, column] = [Math.floor(place / 3), place % 3];
    const scaled = [0, 1, 2, 3].map((k) => W[3 * k + column]! * SCALES[column]!);
    return {
      value: scaled.reduce((sum, w, k) => sum + w * X[4 * row + k]!, bias ? BIAS[column]! : 0),
      rounding: scaled.reduce((sum, w) => sum + (Math.abs(w) * STEP_X) / 2, 0),
    };
  });
  return { values: sums.map(({ value }) => value), rounding: sums.map(({ rounding }) => rounding) };
}

describe.each(Object.entries(CASES))('%s', (_, one) => {
  const { values, rounding } = product(one);
  const device = { f16: false, fusesAttention: false };

  test('as it is, it is the product but for its roundings', async () => {
    const found = await run(graphOf(one));
    // Of the sum each of three results is rounded, and what was rounded before is doubled.
    const steps = one.roundsOutput ? 2 * STEP_Y : 0;
    for (const [at, value] of values.entries())
      expect(Math.abs(found[at]! - value)).toBeLessThan(rounding[at]! + steps + 1e-3);
  });

  test('of floats, it is the product', async () => {
    const { model } = runnable(graphOf(one), device);
    expect(integerOperators(model)).toEqual([]);
    const found = await run(model);
    // An int32 bias is rounded in the file: to half a step of x times a scale.
    for (const [at, value] of values.entries()) expect(Math.abs(found[at]! - value)).toBeLessThan(1e-4);
  });
});

describe('what stays of them in another arrangement', () => {
  const files = () => readModelFiles(folder('fixtures/models/tiny'));

  test('a UNet that measures a scale over all rows is refused by name, before anything is built', async () => {
    const bytes = Buffer.from(await unetFile('sd-int8').arrayBuffer());
    // The Cast of one product becomes an operator that is not known.
    bytes.write('Coat', bytes.indexOf('Cast', bytes.indexOf('ConvInteger')));
    const opened = openModel(backend, { ...(await files()), unet: new Blob([bytes]) }, 'int8');
    await expect(opened).rejects.toMatchObject({ code: 'model-invalid' });
    await expect(opened).rejects.toThrow('(DynamicQuantizeLinear, MatMulInteger)');
  });

  test('where there are no kernels for them it is said which ones run on the CPU', async () => {
    const nodes = [
      ROUND_X,
      op('QLinearSoftmax', ['q', 'stepX', 'zeroX', 'stepY', 'zeroY'], ['y'], {}, 'com.microsoft'),
    ];
    const file = await OnnxFile.open(new Blob([bytesOf(graphOf({ nodes: [...nodes, OUT] }))]), 'vae.onnx', {
      device: backend,
      openFile: null,
    });
    expect(integerNotices([file], backend)).toEqual([]);
    const [said] = integerNotices([file], { computesIntegers: false } as Backend);
    expect(said).toMatch(/^vae.onnx .* QuantizeLinear, QLinearSoftmax run on the CPU/);
  });
});
