// Shapes of the operators of which UNets are made, as far as they follow from those of the inputs; sizes that are not
// known are null. Further operators are in ./shapeRules.

import type { Node } from './model';
import { PAIRWISE, product, type PartialValues } from './values';

/** Operators whose (first) output has the shape of their first input. */
const SAME_SHAPE = new Set([
  'Cast', 'Identity', 'Dropout', 'Softmax', 'LayerNormalization', 'SkipLayerNormalization', 'GroupNormalization', 'InstanceNormalization',
  'Sigmoid', 'Erf', 'Cos', 'Sin', 'Exp', 'Neg', 'Sqrt', 'Reciprocal', 'Tanh', 'Clip', 'Gelu', 'QuickGelu', 'FastGelu', 'BiasGelu', 'DequantizeLinear', 'GroupNorm',
]);

/** The shape of a node's first output as far as it is known; null where nothing is, or the operator is not here. */
export function shapeOf(
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
    case 'Resize': case 'Upsample': return resized(node, first, values);
    case 'Concat': return joined(node, node.inputs.map((name) => shapes.get(name)));
    case 'Slice': return sliced(node, first, values);
    case 'Unsqueeze': return first ? unsqueezed(first, axesOf(node, values)) : null;
    case 'MultiHeadAttention': return first?.length === 3 ? [...first.slice(0, 2), shapes.get(node.inputs[2] ?? '')?.at(-1) ?? first[2] ?? null] : null;
    default: return null;
  }
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

/** Height (axis 0) or width (axis 1) of a convolution's output; null with automatic padding. */
function convolved(node: Node, input: PartialValues | undefined, kernel: PartialValues, axis: 0 | 1): number | null {
  const [size, taps] = [input?.[axis + 2], kernel[axis + 2]];
  if (typeof size !== 'number' || typeof taps !== 'number' || !['', 'NOTSET'].includes(node.attributes.get('auto_pad')?.s ?? '')) return null;
  const attribute = (name: string, at: number, otherwise: number) => node.attributes.get(name)?.ints[at] ?? otherwise;
  const padding = attribute('pads', axis, 0) + attribute('pads', axis + 2, 0);
  return Math.floor((size + padding - attribute('dilations', axis, 1) * (taps - 1) - 1) / attribute('strides', axis, 1)) + 1;
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

/** Of each output of a Split. */
export function splitShapes(node: Node, shapes: ReadonlyMap<string, PartialValues>, values: ReadonlyMap<string, PartialValues>): (PartialValues | null)[] {
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
