// Numbers as an element type holds them, by TensorProto.DataType: what a Cast makes of them, and whether a type is one
// of integers, whose quotients are integers too.

import { BOOL, DOUBLE, FLOAT, FLOAT16, INT32, INT64, INT8, UINT8 } from '../file/model';

const UINT16 = 4;
const INT16 = 5;
const UINT32 = 12;
const UINT64 = 13;

/** Least and greatest; of the 64-bit ones as far as numbers here are exact. */
const RANGES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [UINT8, [0, 255]],
  [INT8, [-128, 127]],
  [UINT16, [0, 65535]],
  [INT16, [-32768, 32767]],
  [INT32, [-(2 ** 31), 2 ** 31 - 1]],
  [UINT32, [0, 2 ** 32 - 1]],
  [INT64, [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]],
  [UINT64, [0, Number.MAX_SAFE_INTEGER]],
]);

export function isInteger(elemType: number): boolean {
  return RANGES.has(elemType);
}

/** `value` after a Cast; null where it is not known, since runtimes differ on what does not fit. */
export function castTo(elemType: number, value: number): number | null {
  const range = RANGES.get(elemType);
  if (range) {
    const whole = truncated(value);
    return whole !== null && whole >= range[0] && whole <= range[1] ? whole : null;
  }
  switch (elemType) {
    case BOOL:
      return Number.isNaN(value) ? null : Number(value !== 0);
    case DOUBLE:
      return value;
    case FLOAT:
      return Math.fround(value);
    case FLOAT16:
      return toHalf(value);
    default:
      return null;
  }
}

/**
 * Towards zero. What lies beside an integer by no more than f16's rounding may lie on its other side when the device
 * computes it, and is not known.
 */
function truncated(value: number): number | null {
  const nearest = Math.round(value);
  if (value !== nearest && Math.abs(value - nearest) < Math.abs(nearest) * 2 ** -10) return null;
  // Without a negative zero.
  return Math.trunc(value) + 0;
}

/** The nearest f16, of two the even one; null beyond the largest. */
function toHalf(value: number): number | null {
  if (value === 0 || !Number.isFinite(value)) return value;
  const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value)))) - 10);
  const units = value / unit;
  const below = Math.floor(units);
  const half = units - below;
  const rounded = unit * (half > 0.5 || (half === 0.5 && below % 2 !== 0) ? below + 1 : below);
  return Math.abs(rounded) <= 65504 ? rounded : null;
}
