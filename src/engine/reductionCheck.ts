// Whether ONNX Runtime's reductions are right in f16 on a device, where sums are large: Apple's GPUs were seen to give
// something else (onnxruntime #29130). Where they are wrong everything is computed in f32. Norms sum in f32 everywhere;
// ReduceMean sums in f16, and is infinite on every device where the sum is beyond it (ONNX Runtime 1.30, Dawn on
// lavapipe), so that it is asked for half of the largest number.
//
//   mean = Σx/n      normalised: s·(x − mean)/√(variance + ε) + b

import { makeNode } from '../onnx/file/makeNode';
import { modelOf, type FloatType, type KnownAnswer } from './knownAnswer';

const ROWS = 2;
const LENGTH = 4096;
/** What the numbers are about: of norms their sum is twice the largest number of f16, of means half of it. */
const LEVELS = { norm: 32, mean: 8 } as const;
const EPSILON = 1e-5;
/** Largest error. Results are rounded once, to 11 bits: those of the mean to 1/64. */
const BOUND = 5e-2;

/** None in f32. */
export function knownReductions(type: FloatType): KnownAnswer[] {
  if (type === 'float32') return [];
  // Eighths, which f16 holds exactly.
  const wave = Float32Array.from({ length: ROWS * LENGTH }, (_, at) => Math.round(8 * Math.sin(at * at)) / 8);
  const [x, low] = [LEVELS.norm, LEVELS.mean].map((level) => wave.map((value) => level + value)) as [
    Float32Array,
    Float32Array,
  ];
  const rows = Array.from({ length: ROWS }, (_, row) => x.subarray(row * LENGTH, (row + 1) * LENGTH));
  const means = rows.map((row) => row.reduce((sum, value) => sum + value, 0) / LENGTH);
  const deviations = rows.map((row, at) =>
    Math.sqrt(row.reduce((sum, value) => sum + (value - means[at]!) ** 2, 0) / LENGTH + EPSILON),
  );
  const normal = x.map((value, at) => {
    const row = Math.floor(at / LENGTH);
    return (value - means[row]!) / deviations[row]!;
  });
  const epsilon = { epsilon: { float: EPSILON } };
  const filled = (length: number, value: number) => new Float32Array(length).fill(value);
  const one = (
    operator: string,
    inputs: Readonly<Record<string, readonly [dims: readonly number[], values: Float32Array]>>,
    attributes: Parameters<typeof makeNode>[3],
    [dims, answer]: readonly [readonly number[], Float32Array],
  ): KnownAnswer => {
    const node = makeNode({ name: operator, opType: operator }, Object.keys(inputs), ['out'], attributes);
    const part = <T>(pick: (input: readonly [readonly number[], Float32Array]) => T) =>
      Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, pick(input)]));
    const graph = modelOf(
      node,
      type,
      part(([sizes]) => sizes),
      dims,
    );
    return { operator, graph, type, inputs: part(([, values]) => values), answer, bound: BOUND };
  };
  const [flat, map] = [
    [ROWS, LENGTH],
    [1, ROWS, LENGTH],
  ] as const;
  return [
    one('ReduceMean', { x: [flat, low] }, { axes: { ints: [1] }, keepdims: { int: 1 } }, [
      [ROWS, 1],
      Float32Array.from(means, (mean) => mean - LEVELS.norm + LEVELS.mean),
    ]),
    one(
      'LayerNormalization',
      { x: [flat, x], scale: [[LENGTH], filled(LENGTH, 1)], bias: [[LENGTH], filled(LENGTH, 0)] },
      epsilon,
      [flat, normal],
    ),
    one(
      'InstanceNormalization',
      { x: [map, x], scale: [[ROWS], filled(ROWS, 1)], bias: [[ROWS], filled(ROWS, 0)] },
      epsilon,
      [map, normal],
    ),
  ];
}
