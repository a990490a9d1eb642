// Small numeric values that are known before a graph runs, as far as they are: constants, sizes from Shape nodes, and
// what exporters compute of them (targets of Reshapes, scale factors).

import { castTo } from './cast';
import { DOUBLE, FLOAT, FLOAT16, INT32, INT64, type Node, type Tensor } from '../file/model';
import { WireError, fields, pushInts } from '../file/protobuf';
import { sliceRange, type SliceRange } from './sliceRange';

/** A value's entries, flattened; null where an entry is not known before the graph runs. */
export type PartialValues = readonly (number | null)[];

/** The step of a Slice that gives none. */
const ONE: PartialValues = [1];

/** Longer values are data, not shapes; without a bound, doubling Concats would fill the memory. */
export const LIMIT = 64;

/** Arithmetic of two values, entry by entry; of floats in f32, since no backend computes in f64. */
export const PAIRWISE: Readonly<Record<string, (a: number, b: number) => number>> = {
  Mul: (a, b) => a * b,
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Equal: (a, b) => Number(a === b),
};

/** What is known of a node's first output; null where nothing is. */
export function valuesOf(
  node: Node,
  values: ReadonlyMap<string, PartialValues>,
  shapes: ReadonlyMap<string, PartialValues>,
  integers: ReadonlySet<string>,
): PartialValues | null {
  const input = (index: number) => values.get(node.inputs[index] ?? '') ?? null;
  const from = input(0);
  const rank = shapes.get(node.inputs[0] ?? '')?.length;
  const pairs = PAIRWISE[node.opType];
  if (pairs) return pairwise(from, input(1), pairs, integers.has(node.inputs[0] ?? '') ? asInteger : Math.fround);
  switch (node.opType) {
    case 'Constant':
      return valuesOfConstant(node);
    case 'Shape':
      return (
        shapes.get(node.inputs[0] ?? '')?.slice(node.attributes.get('start')?.i ?? 0, node.attributes.get('end')?.i) ??
        null
      );
    case 'Cast':
      return from?.map((x) => (x === null ? null : castTo(node.attributes.get('to')?.i ?? 0, x))) ?? null;
    case 'Identity':
    case 'Unsqueeze':
    case 'Squeeze':
    case 'Reshape':
      return from;
    case 'Concat': {
      // Entries come in the order of a concatenation along the first axis.
      const axis = node.attributes.get('axis')?.i ?? 0;
      if (rank === undefined || (axis !== 0 && axis + rank !== 0)) return null;
      const joined: (number | null)[] = [];
      for (let index = 0; index < node.inputs.length; index += 1) {
        const part = input(index);
        if (!part || joined.length + part.length > LIMIT) return null;
        joined.push(...part);
      }
      return joined;
    }
    case 'Gather': {
      const at = input(1);
      return at && rank === 1 ? at.map((index) => (index === null ? null : (from?.at(index) ?? null))) : null;
    }
    case 'Slice':
      return from && rank === 1
        ? taken(
            from,
            sliceOf(
              from.length,
              [1, 2, 4].map((index) => (node.inputs[index] ? input(index) : ONE)),
            ),
          )
        : null;
    case 'ConstantOfShape': {
      const count = from && product(from);
      const [fill] = node.attributes.has('value') ? (valuesOfConstant(node) ?? []) : [0];
      return typeof count === 'number' && count <= LIMIT ? new Array<number | null>(count).fill(fill ?? null) : null;
    }
    case 'Where': {
      const [yes, no] = [input(1), input(2)];
      return from?.length === yes?.length && from?.length === no?.length
        ? (from?.map((is, index) => (is === null ? null : ((is ? yes : no)?.[index] ?? null))) ?? null)
        : null;
    }
    case 'Sqrt':
      return from?.map((x) => (x === null ? null : Math.fround(Math.sqrt(x)))) ?? null;
    default:
      return null;
  }
}

/** null where a factor is not known. */
export function product(dims: PartialValues): number | null {
  return dims.reduce<number | null>((all, dim) => (all === null || dim === null ? null : all * dim), 1);
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
    case FLOAT:
      return each(4, (at) => view.getFloat32(at, true));
    case DOUBLE:
      return each(8, (at) => view.getFloat64(at, true));
    case INT64:
      return each(8, (at) => Number(view.getBigInt64(at, true)));
    case INT32:
      return each(4, (at) => view.getInt32(at, true));
    case FLOAT16:
      return each(2, (at) => halfToNumber(view.getUint16(at, true)));
    default:
      return null;
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

function pairwise(
  a: PartialValues | null,
  b: PartialValues | null,
  f: (a: number, b: number) => number,
  held: (x: number) => number | null,
): PartialValues | null {
  if (!a || !b) return null;
  const length = Math.max(a.length, b.length);
  if (a.length !== length && a.length !== 1) return null;
  if (b.length !== length && b.length !== 1) return null;
  return Array.from({ length }, (_, index) => {
    const [x, y] = [a.length === 1 ? a[0] : a[index], b.length === 1 ? b[0] : b[index]];
    return x === null || x === undefined || y === null || y === undefined ? null : held(f(x, y));
  });
}

/**
 * An integer operation's result: quotients and powers lose their fractions, and what no number here holds is unknown.
 */
function asInteger(x: number): number | null {
  return Number.isSafeInteger(Math.trunc(x)) ? Math.trunc(x) + 0 : null;
}

/** Of start, end and step as they are known; a vector has one of each. */
function sliceOf(size: number, bounds: readonly (PartialValues | null)[]): SliceRange | null {
  const [start, end, step] = bounds.map((bound) => (bound?.length === 1 ? bound[0] : null));
  return typeof start === 'number' && typeof end === 'number' && typeof step === 'number'
    ? sliceRange(size, start, end, step)
    : null;
}

function taken(from: PartialValues, range: SliceRange | null): PartialValues | null {
  return range && Array.from({ length: range.count }, (_, index) => from[range.first + index * range.step] ?? null);
}
