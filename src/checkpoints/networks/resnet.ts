// The residual block of UNet and VAE (diffusers' ResnetBlock2D):
//
//   r = conv1(SiLU(norm1(x)));  r += time_emb_proj(SiLU(emb));  r = conv2(SiLU(norm2(r)));  x' = shortcut(x) + r

import type { GraphBuilder } from './graphBuilder';
import { add, conv, groupNorm, linearOfRows, silu } from './layerNodes';

export interface Resnet {
  readonly from: number;
  readonly to: number;
  readonly groups: number;
  readonly eps: number;
  /** SiLU(emb) [batch or 1, dim]; a VAE has none. */
  readonly time?: { readonly value: string; readonly dim: number };
}

export function resnet(g: GraphBuilder, x: string, { from, to, groups, eps, time }: Resnet): string {
  let r = silu(g, groupNorm(g.in('norm1'), x, { channels: from, groups, eps }));
  r = conv(g.in('conv1'), r, { from, to });
  if (time) {
    const shift = linearOfRows(g.in('time_emb_proj'), time.value, { from: time.dim, to });
    r = add(g, r, g.op('Reshape', [shift, g.int64s([0, to, 1, 1])]));
  }
  r = silu(g, groupNorm(g.in('norm2'), r, { channels: to, groups, eps }));
  r = conv(g.in('conv2'), r, { from: to, to });
  return add(g, from === to ? x : conv(g.in('conv_shortcut'), x, { from, to, kernel: 1 }), r);
}
