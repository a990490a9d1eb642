// Shapes of the operators that not every UNet has: reductions, gathers, selections, poolings, Einsum, and those of
// com.microsoft that exporters write. Unknown sizes are null, as everywhere in ./shapes, and an operator that is not
// here has no known shape.

import type { Node } from '../file/model';
import { axesOf, broadcast, matrixProduct } from './shapes';
import { product, type PartialValues } from './values';

type Known = ReadonlyMap<string, PartialValues>;

/** Operators whose (first) output has the shape of their first input, beside those of ./shapes. */
const SAME_SHAPE = new Set([
  'Relu',
  'LeakyRelu',
  'Elu',
  'HardSigmoid',
  'HardSwish',
  'Softplus',
  'Mish',
  'Abs',
  'Log',
  'Floor',
  'Ceil',
  'Round',
  'Not',
  'LogSoftmax',
  'QuantizeLinear',
  'Trilu',
  'RMSNormalization',
  'SimplifiedLayerNormalization',
  'SkipSimplifiedLayerNormalization',
  'SkipGroupNorm',
  'BiasAdd',
]);
const PAIRWISE = new Set([
  'Less',
  'Greater',
  'LessOrEqual',
  'GreaterOrEqual',
  'And',
  'Or',
  'Xor',
  'Max',
  'Min',
  'Mod',
  'Sum',
  'Where',
]);
const REDUCTIONS = new Set([
  'ReduceMean',
  'ReduceSum',
  'ReduceMax',
  'ReduceMin',
  'ReduceProd',
  'ReduceL2',
  'ReduceSumSquare',
]);

export function furtherShape(node: Node, shapes: Known, values: Known): PartialValues | null {
  const inputs = node.inputs.map((name) => shapes.get(name) ?? null);
  const [first = null, second = null, third = null] = inputs;
  const int = (name: string, otherwise = 0) => node.attributes.get(name)?.i ?? otherwise;
  if (SAME_SHAPE.has(node.opType)) return first;
  if (PAIRWISE.has(node.opType))
    return inputs.reduce<PartialValues | null>((one, other) => (one && other ? broadcast(one, other) : null), []);
  if (REDUCTIONS.has(node.opType)) return first && reduced(node, first, values);
  switch (node.opType) {
    // A vector, whatever its input.
    case 'Shape':
      return [first?.slice(int('start'), node.attributes.get('end')?.i).length ?? null];
    case 'Gather':
      return first && second
        ? [
            ...first.slice(0, axisOf(int('axis'), first.length)),
            ...second,
            ...first.slice(axisOf(int('axis'), first.length) + 1),
          ]
        : null;
    case 'Squeeze':
      return first && squeezed(first, axesOf(node, values), node.attributes.has('axes') || Boolean(node.inputs[1]));
    case 'Flatten': {
      const axis = first ? axisOf(int('axis', 1), first.length) : 0;
      return first && [product(first.slice(0, axis)), product(first.slice(axis))];
    }
    case 'Pad': {
      const pads = values.get(node.inputs[1] ?? '');
      return first && pads && !node.inputs[3] && pads.length === 2 * first.length
        ? first.map((dim, axis) => sum(dim, sum(pads[axis] ?? null, pads[axis + first.length] ?? null)))
        : null;
    }
    case 'Tile': {
      const repeats = values.get(node.inputs[1] ?? '');
      return first && repeats?.length === first.length
        ? first.map((dim, axis) => product([dim, repeats[axis] ?? null]))
        : null;
    }
    case 'GlobalAveragePool':
      return first && first.map((dim, axis) => (axis < 2 ? dim : 1));
    case 'Einsum':
      return einsumShape(node, inputs);
    case 'FusedMatMul':
      return first && second && !int('transBatchA') && !int('transBatchB')
        ? matrixProduct(transposed(first, int('transA')), transposed(second, int('transB')))
        : null;
    case 'MatMulNBits':
      return first && [...first.slice(0, -1), int('N') || null];
    case 'NhwcConv':
      return first && second ? [first[0] ?? null, null, null, second[0] ?? null] : null;
    case 'BiasSplitGelu':
      return first && [...first.slice(0, -1), half(first.at(-1))];
    // ONNX's own: [B, tokens, heads·dim], or [B, heads, tokens, dim] with the sizes of V; com.microsoft's is packed.
    case 'Attention': {
      if (node.domain !== '')
        return first && second
          ? [...first.slice(0, 2), third ? (third.map((size) => (size === null ? null : size / 3))[0] ?? null) : null]
          : null;
      if (first?.length === 4) return [...first.slice(0, 3), third?.[3] ?? null];
      return first?.length === 3 && int('q_num_heads') === int('kv_num_heads')
        ? [...first.slice(0, 2), third?.[2] ?? null]
        : null;
    }
    default:
      return null;
  }
}

/** Shapes of outputs behind the first. */
export function furtherOutputs(node: Node, shapes: Known): [string, PartialValues][] {
  const place = { SkipLayerNormalization: 3, SkipSimplifiedLayerNormalization: 3, SkipGroupNorm: 1 }[node.opType];
  const [name, shape] = [place === undefined ? undefined : node.outputs[place], shapes.get(node.inputs[0] ?? '')];
  return name && shape ? [[name, shape]] : [];
}

/** What an equation `bhn,bnm->bhm` says of its operands; null with an ellipsis or without an arrow. */
export function einsumTerms(node: Node): { readonly inputs: readonly string[]; readonly output: string } | null {
  const match = /^([a-zA-Z,]*)->([a-zA-Z]*)$/.exec((node.attributes.get('equation')?.s ?? '').replaceAll(' ', ''));
  const inputs = match?.[1]?.split(',') ?? [];
  return match && inputs.length === node.inputs.length ? { inputs, output: match[2] ?? '' } : null;
}

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

function einsumShape(node: Node, inputs: readonly (PartialValues | null)[]): PartialValues | null {
  const terms = einsumTerms(node);
  if (!terms) return null;
  const sizes = new Map<string, number | null>();
  terms.inputs.forEach((letters, index) =>
    Array.from(letters).forEach((letter, axis) =>
      sizes.set(letter, inputs[index]?.[axis] ?? sizes.get(letter) ?? null),
    ),
  );
  return Array.from(terms.output, (letter) => sizes.get(letter) ?? null);
}

/** The axes that are reduced are kept with the size 1, or left out. Without a list, all are. */
function reduced(node: Node, from: PartialValues, values: ReadonlyMap<string, PartialValues>): PartialValues | null {
  const given = axesOf(node, values) ?? [];
  if (given.includes(null) || (node.inputs[1] && given.length === 0)) return null;
  if (given.length === 0 && node.attributes.get('noop_with_empty_axes')?.i) return from;
  const axes = new Set(given.map((axis) => ((axis as number) + from.length) % from.length));
  const isReduced = (axis: number) => axes.size === 0 || axes.has(axis);
  const keeps = (node.attributes.get('keepdims')?.i ?? 1) !== 0;
  return from.flatMap((dim, axis) => (isReduced(axis) ? (keeps ? [1] : []) : [dim]));
}

/** Where no axes are given every 1 goes, which takes all sizes to be known. */
function squeezed(from: PartialValues, axes: PartialValues | null, given: boolean): PartialValues | null {
  if (!given) return from.includes(null) ? null : from.filter((dim) => dim !== 1);
  if (!axes || axes.includes(null)) return null;
  const gone = new Set(axes.map((axis) => axisOf(axis as number, from.length)));
  return from.filter((_, axis) => !gone.has(axis));
}

/** With its last two axes the other way round, where `swaps`. */
function transposed(dims: PartialValues, swaps: number): PartialValues {
  return swaps && dims.length > 1 ? [...dims.slice(0, -2), dims.at(-1) ?? null, dims.at(-2) ?? null] : dims;
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function half(size: number | null | undefined): number | null {
  return typeof size === 'number' ? size / 2 : null;
}
