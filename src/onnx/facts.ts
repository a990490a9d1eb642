// What can be known of a graph's values without running it, in one pass over the nodes: small numeric values (the
// targets of Reshapes, scale factors), shapes as far as they do not depend on the inputs' sizes, and which values
// are weights. Exporters compute Reshape targets from Shape nodes: heads and head size hide there.

import { DOUBLE, FLOAT, FLOAT16, INT32, INT64, type Model, type Node, type Tensor } from './model';

/** A value's entries, flattened; null where an entry is not known before the graph runs. */
export type PartialValues = readonly (number | null)[];

export interface Facts {
  readonly values: ReadonlyMap<string, PartialValues>;
  readonly shapes: ReadonlyMap<string, PartialValues>;
  /** Shapes of weights and constants, also behind a Cast or a Transpose. */
  readonly weights: ReadonlyMap<string, readonly number[]>;
}

/** Longer values are data, not shapes; without a bound, doubling Concats would fill the memory. */
const LIMIT = 64;
const MAX_RANK = 8;

/** Operators whose (first) output has the shape of their first input. */
const SAME_SHAPE = new Set([
  'Cast', 'Identity', 'Dropout', 'Softmax', 'LayerNormalization', 'SkipLayerNormalization', 'GroupNormalization', 'InstanceNormalization',
  'Sigmoid', 'Erf', 'Gelu', 'QuickGelu', 'FastGelu', 'BiasGelu', 'DequantizeLinear', 'GroupNorm',
]);
const PAIRWISE: Readonly<Record<string, (a: number, b: number) => number>> = {
  Mul: (a, b) => a * b,
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
};

/** Pure. The model's nodes must be in topological order. */
export function inferFacts(model: Model): Facts {
  const values = new Map<string, PartialValues>();
  const shapes = new Map<string, PartialValues>();
  const weights = new Map<string, readonly number[]>();
  const setShape = (name: string, shape: PartialValues | null | undefined) => {
    if (shape && shape.length <= MAX_RANK) shapes.set(name, shape);
  };
  for (const [name, weight] of model.initializers) {
    weights.set(name, weight.dims);
    setShape(name, weight.dims);
    const known = tensorValues(weight);
    if (known) values.set(name, known);
  }
  const declared = (dims: readonly (number | string)[] | null | undefined) => dims?.map((dim) => (typeof dim === 'number' ? dim : null));
  for (const input of model.inputs) setShape(input.name, declared(input.dims));

  for (const node of model.nodes) {
    const output = node.outputs[0];
    if (!output) continue;
    const first = node.inputs[0] ?? '';
    const weight = weightShape(node, weights.get(first));
    if (weight) weights.set(output, weight);
    setShape(output, weight ?? declared(model.valueInfo.get(output)?.dims) ?? shapeOf(node, shapes, values, weights));
    const found = valuesOf(node, values, shapes);
    if (found && found.length <= LIMIT) values.set(output, found);
  }
  return { values, shapes, weights };
}

function weightShape(node: Node, from: readonly number[] | undefined): readonly number[] | null {
  if (node.opType === 'Constant') return node.attributes.get('value')?.tensor?.dims ?? [];
  if (!from) return null;
  if (node.opType === 'Cast' || node.opType === 'Identity' || node.opType === 'DequantizeLinear') return from;
  if (node.opType !== 'Transpose') return null;
  const perm = node.attributes.get('perm')?.ints ?? [];
  return perm.length > 0 ? perm.map((axis) => from[axis] ?? 0) : [...from].reverse();
}

function valuesOf(node: Node, values: ReadonlyMap<string, PartialValues>, shapes: ReadonlyMap<string, PartialValues>): PartialValues | null {
  const input = (index: number) => values.get(node.inputs[index] ?? '') ?? null;
  const scalar = (index: number) => {
    const found = input(index);
    return found?.length === 1 ? (found[0] ?? null) : null;
  };
  const from = input(0);
  const pairs = PAIRWISE[node.opType];
  if (pairs) return pairwise(from, input(1), pairs);
  switch (node.opType) {
    case 'Constant': return constantValues(node);
    case 'Shape': return shapes.get(node.inputs[0] ?? '') ?? null;
    case 'Identity': case 'Cast': case 'Unsqueeze': case 'Squeeze': case 'Reshape': return from;
    case 'Concat': {
      const joined: (number | null)[] = [];
      for (let index = 0; index < node.inputs.length; index += 1) {
        const part = input(index);
        if (!part || joined.length + part.length > LIMIT) return null;
        joined.push(...part);
      }
      return joined;
    }
    case 'Gather': {
      const at = scalar(1);
      return at === null ? null : [from?.at(at) ?? null];
    }
    case 'Slice': {
      const [start, end] = [scalar(1), scalar(2)];
      return from && start !== null && end !== null ? from.slice(start, end) : null;
    }
    case 'Sqrt': return from?.map((x) => (x === null ? null : Math.sqrt(x))) ?? null;
    default: return null;
  }
}

function shapeOf(
  node: Node,
  shapes: ReadonlyMap<string, PartialValues>,
  values: ReadonlyMap<string, PartialValues>,
  weights: ReadonlyMap<string, readonly number[]>,
): PartialValues | null {
  const [first, second] = [shapes.get(node.inputs[0] ?? ''), shapes.get(node.inputs[1] ?? '')];
  if (SAME_SHAPE.has(node.opType)) return first ?? null;
  if (PAIRWISE[node.opType]) return first && second ? broadcast(first, second) : null;
  switch (node.opType) {
    case 'Reshape': {
      const target = values.get(node.inputs[1] ?? '');
      return target?.map((dim, axis) => (dim === 0 ? (first?.[axis] ?? null) : dim === -1 ? null : dim)) ?? null;
    }
    case 'Transpose': {
      const perm = node.attributes.get('perm')?.ints ?? [];
      return perm.length > 0 ? perm.map((axis) => first?.[axis] ?? null) : (first ? [...first].reverse() : null);
    }
    case 'MatMul': {
      const columns = second?.at(-1) ?? weights.get(node.inputs[1] ?? '')?.at(-1);
      return first && second ? [...first.slice(0, -1), columns ?? null] : null;
    }
    case 'Gemm': {
      const transposed = node.attributes.get('transB')?.i === 1;
      return second ? [first?.[0] ?? null, second[transposed ? 0 : 1] ?? null] : null;
    }
    case 'Conv': return second ? [first?.[0] ?? null, second[0] ?? null, null, null] : null;
    default: return null;
  }
}

/** numpy's rule; of a known size and an unknown one the known counts, unless it is 1. */
function broadcast(a: PartialValues, b: PartialValues): PartialValues {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = axis < rank - a.length ? 1 : (a[axis - rank + a.length] ?? null);
    const y = axis < rank - b.length ? 1 : (b[axis - rank + b.length] ?? null);
    if (x === 1) return y;
    return y === 1 ? x : (x ?? y);
  });
}

function constantValues(node: Node): PartialValues | null {
  const tensor = node.attributes.get('value')?.tensor;
  if (tensor) return tensorValues(tensor);
  const int = node.attributes.get('value_int');
  if (int) return [int.i];
  const float = node.attributes.get('value_float');
  if (float) return [float.f];
  return node.attributes.get('value_ints')?.ints ?? null;
}

/** The numbers of a small inline tensor. */
export function tensorValues(tensor: Tensor): PartialValues | null {
  const { raw } = tensor;
  if (!raw || raw.length > LIMIT * 8) return null;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const each = (size: number, read: (at: number) => number) =>
    Array.from({ length: Math.floor(raw.length / size) }, (_, index) => read(index * size));
  switch (tensor.dataType) {
    case FLOAT: return each(4, (at) => view.getFloat32(at, true));
    case DOUBLE: return each(8, (at) => view.getFloat64(at, true));
    case INT64: return each(8, (at) => Number(view.getBigInt64(at, true)));
    case INT32: return each(4, (at) => view.getInt32(at, true));
    case FLOAT16: return each(2, (at) => halfToNumber(view.getUint16(at, true)));
    default: return null;
  }
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function pairwise(a: PartialValues | null, b: PartialValues | null, f: (a: number, b: number) => number): PartialValues | null {
  if (!a || !b) return null;
  const length = Math.max(a.length, b.length);
  if (a.length !== length && a.length !== 1) return null;
  if (b.length !== length && b.length !== 1) return null;
  return Array.from({ length }, (_, index) => {
    const [x, y] = [a.length === 1 ? a[0] : a[index], b.length === 1 ? b[0] : b[index]];
    return x === null || x === undefined || y === null || y === undefined ? null : f(x, y);
  });
}
