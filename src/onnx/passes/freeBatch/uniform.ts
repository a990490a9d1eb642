// Whether a constant holds one number over and over, as the zeros do that exporters write for baddbmm's ignored
// operand.

import type { Tensor } from '../../file/model';

/** By the bytes that are in memory; a weight that was left in the file counts as not uniform. */
export function isUniformTensor({ raw, dims }: Tensor): boolean {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const width = raw && count > 0 ? raw.length / count : 0;
  if (!raw || !Number.isInteger(width) || width < 1) return false;
  for (let at = width; at < raw.length; at += 1) if (raw[at] !== raw[at - width]) return false;
  return true;
}
