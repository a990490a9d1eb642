// Numbers of the types that weights are stored in, as f32. Little-endian, as the format says.

import type { Dtype } from './safetensors';

/** Values of stored bytes, at any alignment; null for a type that no weight has. */
export function floatValues(dtype: Dtype, bytes: Uint8Array): Float32Array | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const each = (size: number, value: (at: number) => number) => {
    const values = new Float32Array(Math.floor(bytes.length / size));
    for (let at = 0; at < values.length; at += 1) values[at] = value(at * size);
    return values;
  };
  switch (dtype) {
    case 'F32':
      return each(4, (at) => view.getFloat32(at, true));
    case 'F64':
      return each(8, (at) => view.getFloat64(at, true));
    case 'F16':
      return each(2, (at) => HALF[view.getUint16(at, true)] ?? NaN);
    case 'BF16': {
      // The upper half of an f32.
      const whole = new DataView(new ArrayBuffer(4));
      return each(2, (at) => {
        whole.setUint16(0, view.getUint16(at, true));
        return whole.getFloat32(0);
      });
    }
    case 'F8_E5M2':
      return each(1, (at) => smallFloat(view.getUint8(at), 5, 2));
    case 'F8_E4M3': // without infinities: only all ones are no number
      return each(1, (at) => {
        const bits = view.getUint8(at);
        return (bits & 0x7f) === 0x7f ? NaN : smallFloat(bits, 4, 3, false);
      });
    default:
      return null;
  }
}

/** Every f16 number, by its bits. */
const HALF = Float32Array.from({ length: 2 ** 16 }, (_, bits) => smallFloat(bits, 5, 10));

/** Sign, exponent and mantissa of so many bits, as IEEE 754 has them. */
function smallFloat(bits: number, exponentBits: number, mantissaBits: number, infinities = true): number {
  const most = 2 ** exponentBits - 1;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >>> (exponentBits + mantissaBits) ? -1 : 1;
  const exponent = (bits >>> mantissaBits) & most;
  const fraction = (bits & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  if (infinities && exponent === most) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}
