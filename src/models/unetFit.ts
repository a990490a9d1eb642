// Whether the text encoders of one model suit the UNet of another: both UNets read as many numbers a token, and both
// read a pooled text beside them (SDXL) or neither does. That tells the families apart.

import type { UnetConfig } from '../configs/schemas';

export function readsSameText(one: UnetConfig, other: UnetConfig): boolean {
  const [a, b] = [textOf(one), textOf(other)];
  return a !== null && b !== null && a.width === b.width && a.pooled === b.pooled;
}

/** null where the config does not say it. */
function textOf({ cross_attention_dim: width, addition_embed_type: added }: UnetConfig) {
  const [first] = [width ?? []].flat();
  return first === undefined ? null : { width: first, pooled: added === 'text_time' };
}
