// Shapes of the operators of which UNets are made, as far as they follow from those of the inputs; sizes that are not
// known are null. Further operators are in ./shapeRules.

import type { Node } from '../file/model';
import { sliceRange } from './sliceRange';
import { LIMIT, PAIRWISE, product, type PartialValues } from './values';

/** Operators whose (first) output has the shape of their first input. */
const SAME_SHAPE = new Set([
  'Cast',
  'Identity',
  'Dropout',
  'Softmax',
  'LayerNormalization',
  'SkipLayerNormalization',
  'GroupNormalization',
  'InstanceNormalization',
  'Sigmoid',
  'Erf',
  'Cos',
  'Sin',
  'Exp',
  'Neg',
  'Sqrt',
  'Reciprocal',
  'Tanh',
  'Clip',
  'Gelu',
  'QuickGelu',
  'FastGelu',
  'BiasGelu',
  'DequantizeLinear',
  'GroupNorm',
]);

/** The shape of a node's first output as far as it is known; null where nothing is, or the operator is not here. */
export function shapeOf(
  node: Node,
  shapes: ReadonlyMap<string, PartialValues>,
  values: ReadonlyMap<string, PartialValues>,
): PartialValues | null {
  const [first, second] = [shapes.get(node.inputs[0] ?? ''), shapes.get(node.inputs[1] ?? '')];
  if (SAME_SHAPE.has(node.opType)) return first ?? null;
  if (PAIRWISE[node.opType]) return first && second ? broadcast(first, second) : null;
  switch (node.opType) {
    case 'Reshape':
      return reshaped(
        first ?? lengthOf(values.get(node.inputs[0] ?? '')),
        values.get(node.inputs[1] ?? ''),
        node.attributes.get('allowzero')?.i === 1,
      );
    case 'ConstantOfShape':
      return values.get(node.inputs[0] ?? '') ?? null;
    case 'Expand': {
      const target = values.get(node.inputs[1] ?? '');
      return first && target ? broadcast(first, target) : null;
    }
    case 'Transpose': {
      const perm = node.attributes.get('perm')?.ints ?? [];
      return perm.length > 0 ? perm.map((axis) => first?.[axis] ?? null) : first ? [...first].reverse() : null;
    }
    case 'MatMul':
      return first && second ? matrixProduct(first, second) : null;
    case 'Gemm': {
      const transposed = (name: string) => (node.attributes.get(name)?.i ? 1 : 0);
      return second ? [first?.[transposed('transA')] ?? null, second[1 - transposed('transB')] ?? null] : null;
    }
    case 'Conv':
      return second
        ? [
            first?.[0] ?? null,
            second[0] ?? null,
            ...second.slice(2).map((_, axis) => convolved(node, first, second, axis)),
          ]
        : null;
    case 'Resize':
    case 'Upsample':
      return resized(node, first, values);
    case 'Concat':
      return joined(
        node,
        node.inputs.map((name) => shapes.get(name)),
      );
    case 'Slice':
      return sliced(node, first, values);
    case 'Unsqueeze':
      return first ? unsqueezed(first, axesOf(node, values), second?.[0] ?? null) : null;
    case 'MultiHeadAttention':
      return first?.length === 3
        ? [...first.slice(0, 2), shapes.get(node.inputs[2] ?? '')?.at(-1) ?? first[2] ?? null]
        : null;
    default:
      return null;
  }
}

function lengthOf(values: PartialValues | undefined): PartialValues | undefined {
  return values && [values.length];
}

/**
 * numpy's rule: a vector is a matrix of one row on the left, of one column on the right, whose axis is left out again.
 */
export function matrixProduct(left: PartialValues, right: PartialValues): PartialValues {
  const matrix = [...left.slice(0, -1).slice(-1), ...(right.length > 1 ? right.slice(-1) : [])];
  return [...broadcast(left.slice(0, -2), right.slice(0, -2)), ...matrix];
}

/** 0 takes the size of the input's axis, unless `allowZero` takes it as it is; −1 is what is left. */
export function reshaped(
  from: PartialValues | undefined,
  target: PartialValues | undefined,
  allowZero = false,
): PartialValues | null {
  if (!target) return null;
  const dims = target.map((dim, axis) => (dim === 0 && !allowZero ? (from?.[axis] ?? null) : dim));
  const size = from && product(from);
  const rest = product(dims.filter((dim) => dim !== -1));
  const left = size && rest && size % rest === 0 ? size / rest : null;
  return dims.map((dim) => (dim === -1 ? left : dim));
}

/**
 * A convolution's output along one of its axes (0 is the height of a picture, 1 its width);
 * null with automatic padding.
 */
function convolved(node: Node, input: PartialValues | undefined, kernel: PartialValues, axis: number): number | null {
  const [size, taps] = [input?.[axis + 2], kernel[axis + 2]];
  if (
    typeof size !== 'number' ||
    typeof taps !== 'number' ||
    !['', 'NOTSET'].includes(node.attributes.get('auto_pad')?.s ?? '')
  )
    return null;
  const attribute = (name: string, at: number, otherwise: number) => node.attributes.get(name)?.ints[at] ?? otherwise;
  const padding = attribute('pads', axis, 0) + attribute('pads', axis + kernel.length - 2, 0);
  return (
    Math.floor((size + padding - attribute('dilations', axis, 1) * (taps - 1) - 1) / attribute('strides', axis, 1)) + 1
  );
}

/** By sizes where they are given, else by scales; null where neither is of all axes and of the whole input. */
function resized(
  node: Node,
  from: PartialValues | undefined,
  values: ReadonlyMap<string, PartialValues>,
): PartialValues | null {
  const input = (index: number) => values.get(node.inputs[index] ?? '');
  const attribute = (name: string) => node.attributes.get(name)?.s ?? '';
  const keepsAspect = !['', 'stretch'].includes(attribute('keep_aspect_ratio_policy'));
  if (
    attribute('coordinate_transformation_mode') === 'tf_crop_and_resize' ||
    keepsAspect ||
    node.attributes.has('axes')
  )
    return null;
  const sizes = input(3);
  if (sizes && sizes.length > 0) return sizes;
  const scales = node.opType === 'Upsample' ? input(1) : input(2);
  return scales && from
    ? from.map((dim, axis) =>
        dim === null || typeof scales[axis] !== 'number' ? null : Math.floor(Math.fround(dim * scales[axis])),
      )
    : null;
}

function joined(node: Node, parts: readonly (PartialValues | undefined)[]): PartialValues | null {
  const [first] = parts;
  if (!first || !parts.every((part): part is PartialValues => part?.length === first.length)) return null;
  const at = node.attributes.get('axis')?.i ?? 0;
  const axis = at < 0 ? at + first.length : at;
  return first.map((dim, index) =>
    index === axis
      ? parts.reduce<number | null>((sum, part) => {
          const size = part[index] ?? null;
          return sum === null || size === null ? null : sum + size;
        }, 0)
      : dim,
  );
}

function sliced(
  node: Node,
  from: PartialValues | undefined,
  values: ReadonlyMap<string, PartialValues>,
): PartialValues | null {
  const input = (index: number) => values.get(node.inputs[index] ?? '');
  const [starts, ends] = [input(1), input(2)];
  const axes = node.inputs[3] ? input(3) : starts?.map((_, axis) => axis);
  const steps = node.inputs[4] ? input(4) : starts?.map(() => 1);
  if (!from || !starts || !ends) return null;
  if (!axes || axes.includes(null)) return from.map(() => null);
  return from.map((dim, index) => {
    const at = axes.findIndex((axis) => axis === index || axis === index - from.length);
    if (at < 0) return dim;
    const [start, end, step] = [starts[at], ends[at], steps?.[at]];
    if (dim === null || typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') return null;
    return sliceRange(dim, start, end, step)?.count ?? null;
  });
}

/** Of each output of a Split. */
export function splitShapes(
  node: Node,
  shapes: ReadonlyMap<string, PartialValues>,
  values: ReadonlyMap<string, PartialValues>,
): (PartialValues | null)[] {
  const from = shapes.get(node.inputs[0] ?? '');
  if (!from) return [];
  const at = node.attributes.get('axis')?.i ?? 0;
  const axis = at < 0 ? at + from.length : at;
  const given = node.inputs[1] ? (values.get(node.inputs[1]) ?? null) : (node.attributes.get('split')?.ints ?? []);
  const whole = from[axis];
  return node.outputs.map((_, index) => {
    const each = typeof whole === 'number' ? Math.ceil(whole / node.outputs.length) : null;
    // The last one has what the others leave.
    const equal = each === null ? null : Math.max(0, Math.min(each, (whole as number) - index * each));
    const size = given?.length === 0 ? equal : (given?.[index] ?? null);
    return from.map((dim, place) => (place === axis ? size : dim));
  });
}

export function axesOf(node: Node, values: ReadonlyMap<string, PartialValues>): PartialValues | null {
  return node.attributes.get('axes')?.ints ?? values.get(node.inputs[1] ?? '') ?? null;
}

/** `count` axes are added; where it is not known which, a scalar has ones alone all the same. */
function unsqueezed(from: PartialValues, axes: PartialValues | null, count: number | null): PartialValues | null {
  if (!axes || axes.includes(null))
    return count === null || count > LIMIT
      ? null
      : new Array<number | null>(from.length + count).fill(from.length === 0 ? 1 : null);
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
