// IEEE 754 binary16 as bits in a Uint16Array, for models whose tensors are f16. Written out because
// Float16Array is missing in Node 20 and in browsers that do have WebGPU.
// Narrowing rounds to nearest, ties to even, keeps subnormals, infinities and NaN payloads.

const F16_NAN = 0x7e00;
const F16_INFINITY = 0x7c00;

/** Bits of f32 by those of f16: looked up in an eighth of the time in which they are worked out. */
let widened: Int32Array | null = null;

/** Bits of f16 numbers → f32, exactly. Same length, new array. */
export function float16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const table = (widened ??= Int32Array.from({ length: 0x10000 }, (_, half) => widen(half)));
  const bits = new Int32Array(halves.length);
  for (let i = 0; i < bits.length; i += 1) bits[i] = table[halves[i]!]!;
  return new Float32Array(bits.buffer);
}

/** f32 → bits of the nearest f16 numbers; from 65520 on, infinity. Same length, new array. */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i += 1) halves[i] = narrow(bits[i]!);
  return halves;
}

function widen(half: number): number {
  const sign = (half & 0x8000) << 16;
  const magnitude = half & 0x7fff;
  if (magnitude >= F16_INFINITY) return sign | 0x7f800000 | ((magnitude & 0x3ff) << 13);
  // The exponent's bias is 15 there and 127 here: 112 more.
  if (magnitude >= 0x400) return sign | ((magnitude << 13) + (112 << 23));
  if (magnitude === 0) return sign;
  // A subnormal, m·2⁻²⁴: shift its leading one up to bit 10, where a normal number has it implied.
  const shift = Math.clz32(magnitude) - 21;
  return sign | ((113 - shift) << 23) | (((magnitude << shift) & 0x3ff) << 13);
}

function narrow(single: number): number {
  const sign = (single >>> 16) & 0x8000;
  const magnitude = single & 0x7fffffff;
  if (magnitude > 0x7f800000) {
    const payload = (magnitude >>> 13) & 0x3ff;
    return sign | (payload === 0 ? F16_NAN : F16_INFINITY | payload);
  }
  // 65520 lies halfway between 65504, the largest f16, and the 65536 that would follow.
  if (magnitude >= 0x477ff000) return sign | F16_INFINITY;
  if (magnitude >= 113 << 23) return sign | roundedShift(magnitude - (112 << 23), 13);
  // Below 2⁻¹⁴ f16 counts in units of 2⁻²⁴; up to half a unit, 2⁻²⁵, rounds to zero.
  const exponent = magnitude >>> 23;
  if (exponent < 102) return sign;
  return sign | roundedShift((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
}

/** value / 2^shift to the nearest integer, ties to even. */
function roundedShift(value: number, shift: number): number {
  const odd = (value >>> shift) & 1;
  return (value + (1 << (shift - 1)) - 1 + odd) >>> shift;
}
