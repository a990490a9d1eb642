// Small numeric values that are known before a graph runs, as far as they are: of constants here; sizes from Shape
// nodes, and what exporters compute of them (targets of Reshapes, scale factors), in the families of operators.

import { DOUBLE, FLOAT, FLOAT16, INT32, INT64, type Tensor } from '../file/model';
import { WireError, fields, pushInts } from '../file/protobuf';

/** A value's entries, flattened; null where an entry is not known before the graph runs. */
export type PartialValues = readonly (number | null)[];

/** Longer values are data, not shapes; without a bound, doubling Concats would fill the memory. */
export const LIMIT = 64;

/** null where a factor is not known. */
export function product(dims: PartialValues): number | null {
  return dims.reduce<number | null>((all, dim) => (all === null || dim === null ? null : all * dim), 1);
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
