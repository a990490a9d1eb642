// Numbers of a weight as another element type, and matrices transposed: what is done to weights while they are read.
// bf16 is the upper half of f32. f8 has two kinds: E5M2 is the upper half of f16; E4M3 (bias 7, no infinity, NaN only
// where all bits but the sign are set, largest 448) is looked up. Rounding to f16 is to nearest, ties to even.

import { float16ToFloat32, float32ToFloat16 } from '../kernels/float16';
import {
  BFLOAT16,
  DOUBLE,
  FLOAT,
  FLOAT16,
  FLOAT8E4M3FN,
  FLOAT8E5M2,
  elementBits,
  type Matrix,
  type TypeCast,
} from '../onnx/file/model';
import { EngineError } from '../protocol/errors';

const F16_INFINITY = 0x7c00;

/** Bytes of one element. */
export function elementBytes(type: number): number {
  return (elementBits(type) ?? NaN) / 8;
}

/** Factors of a weight's elements: of number `at` it is `values[floor((at − start) / every) % values.length]`. */
export interface Scales {
  readonly values: Float32Array;
  readonly every: number;
  readonly start: number;
}

/**
 * The same numbers, or those multiplied in f32, as bytes of another type. `bytes` must begin at a multiple of their
 * element's size.
 * @param first number of the weight that `bytes` begin with.
 * @throws EngineError `not-finite` for a number that f16 cannot hold.
 */
export function convert(
  bytes: Uint8Array<ArrayBuffer>,
  { from, to }: TypeCast,
  scales?: Scales,
  first = 0,
): Uint8Array<ArrayBuffer> {
  if (scales) return converted(scaled(toFloat32(bytes, from), scales, first), to);
  if (to === FLOAT16 && from === FLOAT8E5M2) return bytesOf(halvesOfE5M2(bytes));
  if (to === FLOAT16 && from === FLOAT8E4M3FN) return bytesOf(lookedUp(bytes, HALF_OF_E4M3, Uint16Array));
  return converted(toFloat32(bytes, from), to);
}

function scaled(
  values: Float32Array<ArrayBuffer>,
  { values: factors, every, start }: Scales,
  first: number,
): Float32Array<ArrayBuffer> {
  const products = new Float32Array(values.length);
  let row = Math.floor((first - start) / every) % factors.length;
  let end = every - ((first - start) % every);
  for (let at = 0; at < products.length; end += every) {
    const factor = factors[row]!;
    for (const to = Math.min(products.length, end); at < to; at += 1) products[at] = values[at]! * factor;
    row = row + 1 === factors.length ? 0 : row + 1;
  }
  return products;
}

function converted(wide: Float32Array<ArrayBuffer>, to: number): Uint8Array<ArrayBuffer> {
  if (to === FLOAT) return bytesOf(wide);
  if (to !== FLOAT16) throw new Error(`Weights are not converted to the type ${to}.`);
  return bytesOf(narrowed(wide));
}

/**
 * Elements `start` to `end` of the transpose of a matrix, row by row of the transpose.
 * @param bytes of the whole matrix.
 */
export function transposedPart(
  bytes: Uint8Array<ArrayBuffer>,
  { rows, columns }: Matrix,
  [start, end]: readonly [number, number],
): Uint8Array<ArrayBuffer> {
  const width = bytes.length / (rows * columns);
  const View = width === 8 ? Float64Array : width === 4 ? Uint32Array : width === 2 ? Uint16Array : Uint8Array;
  const from = new View(bytes.buffer, bytes.byteOffset, rows * columns);
  const [first, last] = [Math.floor(start / rows), Math.ceil(end / rows)];
  const band = new View((last - first) * rows);
  // In tiles: one that is written along rows and read along columns stays in the cache.
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(rows, top + TILE);
    for (let left = first; left < last; left += TILE) {
      const right = Math.min(last, left + TILE);
      for (let column = left; column < right; column += 1) {
        let at = (column - first) * rows + top;
        for (let row = top; row < bottom; row += 1) band[at++] = from[row * columns + column]!;
      }
    }
  }
  return bytesOf(band.subarray(start - first * rows, end - first * rows));
}

const TILE = 32;

function toFloat32(bytes: Uint8Array<ArrayBuffer>, from: number): Float32Array<ArrayBuffer> {
  switch (from) {
    case FLOAT:
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    case DOUBLE:
      return Float32Array.from(new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8));
    case FLOAT16:
      return float16ToFloat32(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2));
    case BFLOAT16:
      return widenedBfloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2));
    case FLOAT8E5M2:
      return float16ToFloat32(halvesOfE5M2(bytes));
    case FLOAT8E4M3FN:
      return lookedUp(bytes, E4M3, Float32Array);
    default:
      throw new Error(`Weights are not converted from the type ${from}.`);
  }
}

function narrowed(wide: Float32Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  const halves = float32ToFloat16(wide);
  for (let at = 0; at < halves.length; at += 1) {
    if ((halves[at]! & 0x7fff) !== F16_INFINITY || Math.abs(wide[at]!) === Infinity) continue;
    throw new EngineError(
      'not-finite',
      'This model has weights that half precision cannot hold. It must run in full precision.',
      `${wide[at]}`,
    );
  }
  return halves;
}

/** 1 sign, 4 exponent and 3 fraction bits. */
const E4M3 = Float32Array.from({ length: 256 }, (_, byte) => {
  const [sign, exponent, fraction] = [byte & 0x80 ? -1 : 1, (byte >> 3) & 15, byte & 7];
  if (exponent === 15 && fraction === 7) return NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -9 : (1 + fraction / 8) * 2 ** (exponent - 7));
});
const HALF_OF_E4M3 = float32ToFloat16(E4M3);

// Loops, since `from` with a function takes twenty times as long.

function widenedBfloat16(upper: Uint16Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(upper.length);
  for (let at = 0; at < bits.length; at += 1) bits[at] = upper[at]! << 16;
  return new Float32Array(bits.buffer);
}

function halvesOfE5M2(bytes: Uint8Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(bytes.length);
  for (let at = 0; at < halves.length; at += 1) halves[at] = bytes[at]! << 8;
  return halves;
}

function lookedUp<Numbers extends Float32Array | Uint16Array>(
  bytes: Uint8Array,
  table: Numbers,
  kind: new (length: number) => Numbers,
): Numbers {
  const values = new kind(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) values[at] = table[bytes[at]!]!;
  return values;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
