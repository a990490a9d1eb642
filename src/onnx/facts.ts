// What can be known of a graph's values without running it, in one pass over the nodes: small numeric values (the
// targets of Reshapes, scale factors), shapes as far as they do not depend on the inputs' sizes, and which values
// are weights. Exporters compute Reshape targets from Shape nodes: heads and head size hide there.

import { DOUBLE, FLOAT, FLOAT16, INT32, INT64, type Model, type Node, type Tensor, type ValueInfo } from './model';
import { WireError, fields, pushInts } from './protobuf';
import { furtherOutputs, furtherShape } from './shapeRules';

/** A value's entries, flattened; null where an entry is not known before the graph runs. */
export type PartialValues = readonly (number | null)[];

export interface Facts {
  readonly values: ReadonlyMap<string, PartialValues>;
  readonly shapes: ReadonlyMap<string, PartialValues>;
  /** Shapes of weights and constants, also behind a Cast or a Transpose. */
  readonly weights: ReadonlyMap<string, readonly number[]>;
}

/** Facts that grow, node by node in topological order. */
export interface GrowingFacts extends Facts {
  readonly values: Map<string, PartialValues>;
  readonly shapes: Map<string, PartialValues>;
  readonly weights: Map<string, readonly number[]>;
  /** Values of an integer type: their quotients are integers too. */
  readonly integers: Set<string>;
}

/** Longer values are data, not shapes; without a bound, doubling Concats would fill the memory. */
const LIMIT = 64;
const MAX_RANK = 8;

/** Operators whose (first) output has the shape of their first input. */
const SAME_SHAPE = new Set([
  'Cast', 'Identity', 'Dropout', 'Softmax', 'LayerNormalization', 'SkipLayerNormalization', 'GroupNormalization', 'InstanceNormalization',
  'Sigmoid', 'Erf', 'Cos', 'Sin', 'Exp', 'Neg', 'Sqrt', 'Reciprocal', 'Tanh', 'Clip', 'Gelu', 'QuickGelu', 'FastGelu', 'BiasGelu', 'DequantizeLinear', 'GroupNorm',
]);
const PAIRWISE: Readonly<Record<string, (a: number, b: number) => number>> = {
  Mul: (a, b) => a * b,
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Equal: (a, b) => Number(a === b),
};
const wholeQuotient = (a: number, b: number) => Math.trunc(a / b);

/**
 * Pure. The model's nodes must be in topological order.
 * @param inputDims sizes to assume of inputs, by name, in the place of what the model declares.
 */
export function inferFacts(model: Model, inputDims: ReadonlyMap<string, PartialValues> = new Map()): Facts {
  const facts = firstFacts(model, inputDims);
  for (const node of model.nodes) learn(facts, node, model.valueInfo);
  return facts;
}

/** What is known before the first node. */
export function firstFacts({ initializers, inputs }: Pick<Model, 'initializers' | 'inputs'>, inputDims: ReadonlyMap<string, PartialValues>): GrowingFacts {
  const facts: GrowingFacts = { values: new Map(), shapes: new Map(), weights: new Map(), integers: new Set() };
  for (const [name, weight] of initializers) learnWeight(facts, name, weight);
  for (const { name, elemType, dims } of inputs) {
    setShape(facts, name, inputDims.get(name) ?? numbersOf(dims));
    if (isInteger(elemType)) facts.integers.add(name);
  }
  return facts;
}

export function learnWeight(facts: GrowingFacts, name: string, weight: Tensor): void {
  facts.weights.set(name, weight.dims);
  setShape(facts, name, weight.dims);
  const known = tensorValues(weight);
  if (known) facts.values.set(name, known);
  if (isInteger(weight.dataType)) facts.integers.add(name);
}

/** Adds what is known of a node's outputs; `declared` fills in what does not follow from its inputs. */
export function learn(facts: GrowingFacts, node: Node, declared: ReadonlyMap<string, ValueInfo>): void {
  const output = node.outputs[0];
  if (!output) return;
  const { values, shapes, weights, integers } = facts;
  const weight = weightShape(node, weights.get(node.inputs[0] ?? ''));
  if (weight) weights.set(output, weight);
  if (node.opType === 'Split') splitShapes(node, shapes, values).forEach((shape, index) => setShape(facts, node.outputs[index] ?? '', shape));
  else setShape(facts, output, weight ?? known(shapeOf(node, shapes, values, weights), numbersOf(declared.get(output)?.dims)));
  for (const [name, shape] of furtherOutputs(node, shapes)) setShape(facts, name, shape);
  const found = valuesOf(node, values, shapes, integers);
  if (found && found.length <= LIMIT) values.set(output, found);
  if (makesIntegers(node, integers)) integers.add(output);
}

function setShape(facts: GrowingFacts, name: string, shape: PartialValues | null | undefined): void {
  if (shape && shape.length <= MAX_RANK) facts.shapes.set(name, shape);
}

function numbersOf(dims: readonly (number | string)[] | null | undefined): PartialValues | undefined {
  return dims?.map((dim) => (typeof dim === 'number' ? dim : null));
}

function isInteger(elemType: number): boolean {
  return elemType === INT64 || elemType === INT32;
}

function makesIntegers(node: Node, integers: ReadonlySet<string>): boolean {
  switch (node.opType) {
    case 'Shape': case 'Size': return true;
    case 'Cast': return isInteger(node.attributes.get('to')?.i ?? 0);
    case 'Constant': return node.attributes.has('value_int') || node.attributes.has('value_ints') || isInteger(node.attributes.get('value')?.tensor?.dataType ?? 0);
    case 'ConstantOfShape': return isInteger(node.attributes.get('value')?.tensor?.dataType ?? 0);
    case 'Where': return integers.has(node.inputs[1] ?? '');
    default: return integers.has(node.inputs[0] ?? '');
  }
}

function weightShape(node: Node, from: readonly number[] | undefined): readonly number[] | null {
  if (node.opType === 'Constant') return node.attributes.get('value')?.tensor?.dims ?? [];
  if (!from) return null;
  if (node.opType === 'Cast' || node.opType === 'Identity' || node.opType === 'DequantizeLinear') return from;
  if (node.opType !== 'Transpose') return null;
  const perm = node.attributes.get('perm')?.ints ?? [];
  return perm.length > 0 ? perm.map((axis) => from[axis] ?? 0) : [...from].reverse();
}

function valuesOf(
  node: Node,
  values: ReadonlyMap<string, PartialValues>,
  shapes: ReadonlyMap<string, PartialValues>,
  integers: ReadonlySet<string>,
): PartialValues | null {
  const input = (index: number) => values.get(node.inputs[index] ?? '') ?? null;
  const scalar = (index: number) => {
    const found = input(index);
    return found?.length === 1 ? (found[0] ?? null) : null;
  };
  const from = input(0);
  const pairs = node.opType === 'Div' && integers.has(node.inputs[0] ?? '') ? wholeQuotient : PAIRWISE[node.opType];
  if (pairs) return pairwise(from, input(1), pairs);
  switch (node.opType) {
    case 'Constant': return valuesOfConstant(node);
    case 'Shape': return shapes.get(node.inputs[0] ?? '')?.slice(node.attributes.get('start')?.i ?? 0, node.attributes.get('end')?.i) ?? null;
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
    case 'ConstantOfShape': {
      const count = from && product(from);
      const [fill] = valuesOfConstant(node) ?? [0];
      return typeof count === 'number' && count <= LIMIT ? new Array<number | null>(count).fill(fill ?? null) : null;
    }
    case 'Where': {
      const [yes, no] = [input(1), input(2)];
      return from?.length === yes?.length && from?.length === no?.length ? (from?.map((is, index) => (is === null ? null : ((is ? yes : no)?.[index] ?? null))) ?? null) : null;
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
    case 'Reshape': return reshaped(first ?? lengthOf(values.get(node.inputs[0] ?? '')), values.get(node.inputs[1] ?? ''));
    case 'ConstantOfShape': return values.get(node.inputs[0] ?? '') ?? null;
    case 'Expand': {
      const target = values.get(node.inputs[1] ?? '');
      return first && target ? broadcast(first, target) : null;
    }
    case 'Transpose': {
      const perm = node.attributes.get('perm')?.ints ?? [];
      return perm.length > 0 ? perm.map((axis) => first?.[axis] ?? null) : (first ? [...first].reverse() : null);
    }
    case 'MatMul': {
      const columns = second?.at(-1) ?? weights.get(node.inputs[1] ?? '')?.at(-1);
      if (!first || !second) return null;
      const stack = first.length > 1 && second.length > 2 ? broadcast(first.slice(0, -2), second.slice(0, -2)) : first.slice(0, -2);
      return [...stack, ...first.slice(0, -1).slice(-1), columns ?? null];
    }
    case 'Gemm': {
      const transposed = node.attributes.get('transB')?.i === 1;
      return second ? [first?.[0] ?? null, second[transposed ? 0 : 1] ?? null] : null;
    }
    case 'Conv': return second ? [first?.[0] ?? null, second[0] ?? null, convolved(node, first, second, 0), convolved(node, first, second, 1)] : null;
    case 'ReduceMean': case 'ReduceSum': case 'ReduceMax': return first ? reduced(node, first, values) : null;
    case 'Resize': case 'Upsample': return resized(node, first, values);
    case 'Concat': return joined(node, node.inputs.map((name) => shapes.get(name)));
    case 'Slice': return sliced(node, first, values);
    case 'Unsqueeze': return first ? unsqueezed(first, axesOf(node, values)) : null;
    case 'MultiHeadAttention': return first?.length === 3 ? [...first.slice(0, 2), shapes.get(node.inputs[2] ?? '')?.at(-1) ?? first[2] ?? null] : null;
    default: return furtherShape(node, shapes, values);
  }
}

/** `computed`, and what `declared` knows beyond it. */
function known(computed: PartialValues | null, declared: PartialValues | undefined): PartialValues | null {
  if (!computed || !declared || computed.length !== declared.length) return declared && !computed ? declared : computed;
  return computed.map((dim, axis) => dim ?? declared[axis] ?? null);
}

function lengthOf(values: PartialValues | undefined): PartialValues | undefined {
  return values && [values.length];
}

/** 0 takes the size of the input's axis, −1 what is left. */
export function reshaped(from: PartialValues | undefined, target: PartialValues | undefined): PartialValues | null {
  if (!target) return null;
  const dims = target.map((dim, axis) => (dim === 0 ? (from?.[axis] ?? null) : dim));
  const size = from && product(from);
  const rest = product(dims.filter((dim) => dim !== -1));
  const left = size && rest ? size / rest : null;
  return dims.map((dim) => (dim === -1 ? left : dim));
}

/** null where a factor is not known. */
export function product(dims: PartialValues): number | null {
  return dims.reduce<number | null>((all, dim) => (all === null || dim === null ? null : all * dim), 1);
}

/** Height (axis 0) or width (axis 1) of a convolution's output; null with automatic padding. */
function convolved(node: Node, input: PartialValues | undefined, kernel: PartialValues, axis: 0 | 1): number | null {
  const [size, taps] = [input?.[axis + 2], kernel[axis + 2]];
  if (typeof size !== 'number' || typeof taps !== 'number' || !['', 'NOTSET'].includes(node.attributes.get('auto_pad')?.s ?? '')) return null;
  const attribute = (name: string, at: number, otherwise: number) => node.attributes.get(name)?.ints[at] ?? otherwise;
  const padding = attribute('pads', axis, 0) + attribute('pads', axis + 2, 0);
  return Math.floor((size + padding - attribute('dilations', axis, 1) * (taps - 1) - 1) / attribute('strides', axis, 1)) + 1;
}

/** The axes that are reduced are kept with the size 1, or left out. Without a list, all are. */
function reduced(node: Node, from: PartialValues, values: ReadonlyMap<string, PartialValues>): PartialValues | null {
  const given = axesOf(node, values) ?? [];
  if (given.includes(null) || (node.inputs[1] && given.length === 0)) return null;
  const axes = new Set(given.map((axis) => ((axis as number) + from.length) % from.length));
  const isReduced = (axis: number) => axes.size === 0 || axes.has(axis);
  const keeps = (node.attributes.get('keepdims')?.i ?? 1) !== 0;
  return from.flatMap((dim, axis) => (isReduced(axis) ? (keeps ? [1] : []) : [dim]));
}

/** By sizes where they are given, else by scales. */
function resized(node: Node, from: PartialValues | undefined, values: ReadonlyMap<string, PartialValues>): PartialValues | null {
  const input = (index: number) => values.get(node.inputs[index] ?? '');
  const sizes = input(3);
  if (sizes && sizes.length > 0) return sizes;
  const scales = node.opType === 'Upsample' ? input(1) : input(2);
  return scales && from ? from.map((dim, axis) => (dim === null || typeof scales[axis] !== 'number' ? null : Math.floor(dim * scales[axis]))) : null;
}

function joined(node: Node, parts: readonly (PartialValues | undefined)[]): PartialValues | null {
  const [first] = parts;
  if (!first || !parts.every((part): part is PartialValues => part?.length === first.length)) return null;
  const at = node.attributes.get('axis')?.i ?? 0;
  const axis = at < 0 ? at + first.length : at;
  return first.map((dim, index) => (index === axis ? parts.reduce<number | null>((sum, part) => {
    const size = part[index] ?? null;
    return sum === null || size === null ? null : sum + size;
  }, 0) : dim));
}

function sliced(node: Node, from: PartialValues | undefined, values: ReadonlyMap<string, PartialValues>): PartialValues | null {
  const input = (index: number) => values.get(node.inputs[index] ?? '');
  const [starts, ends, axes, steps] = [input(1), input(2), input(3), input(4)];
  if (!from || !starts || !ends) return null;
  return from.map((dim, index) => {
    const at = axes ? axes.findIndex((axis) => axis === index || axis === index - from.length) : index;
    if (at < 0 || at >= starts.length) return dim;
    const [start, end, step] = [starts[at], ends[at], steps?.[at] ?? 1];
    if (dim === null || typeof start !== 'number' || typeof end !== 'number' || step <= 0) return null;
    const within = (place: number) => Math.min(dim, Math.max(0, place < 0 ? place + dim : place));
    return Math.max(0, Math.ceil((within(end) - within(start)) / step));
  });
}

function splitShapes(node: Node, shapes: ReadonlyMap<string, PartialValues>, values: ReadonlyMap<string, PartialValues>): (PartialValues | null)[] {
  const from = shapes.get(node.inputs[0] ?? '');
  if (!from) return [];
  const at = node.attributes.get('axis')?.i ?? 0;
  const axis = at < 0 ? at + from.length : at;
  const given = values.get(node.inputs[1] ?? '') ?? node.attributes.get('split')?.ints ?? [];
  const whole = from[axis];
  return node.outputs.map((_, index) => {
    const equal = typeof whole === 'number' ? Math.ceil(whole / node.outputs.length) : null;
    const size = given.length > 0 ? (given[index] ?? null) : equal;
    return from.map((dim, place) => (place === axis ? size : dim));
  });
}

export function axesOf(node: Node, values: ReadonlyMap<string, PartialValues>): PartialValues | null {
  return node.attributes.get('axes')?.ints ?? values.get(node.inputs[1] ?? '') ?? null;
}

function unsqueezed(from: PartialValues, axes: PartialValues | null): PartialValues | null {
  if (!axes || axes.includes(null)) return null;
  const rank = from.length + axes.length;
  const added = new Set(axes.map((axis) => ((axis as number) + rank) % rank));
  let next = 0;
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (from[next++] ?? null)));
}

/** numpy's rule; of a known size and an unknown one the known counts, unless it is 1. */
export function broadcast(a: PartialValues, b: PartialValues): PartialValues {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = axis < rank - a.length ? 1 : (a[axis - rank + a.length] ?? null);
    const y = axis < rank - b.length ? 1 : (b[axis - rank + b.length] ?? null);
    if (x === 1) return y;
    return y === 1 ? x : (x ?? y);
  });
}

function valuesOfConstant(node: Node): PartialValues | null {
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
  const { raw, encoded } = tensor;
  if (encoded) return typedValues(tensor.dataType, encoded);
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

/** Of a tensor whose numbers are not raw bytes but a list: int32_data (5) or int64_data (7). */
function typedValues(dataType: number, encoded: Uint8Array): PartialValues | null {
  const number = dataType === INT64 ? 7 : dataType === INT32 ? 5 : 0;
  if (number === 0 || encoded.length > LIMIT * 16) return null;
  const values: number[] = [];
  try {
    for (const field of fields(encoded)) if (field.number === number) pushInts(field, values);
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
  return values.length > 0 && values.length <= LIMIT ? values : null;
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
