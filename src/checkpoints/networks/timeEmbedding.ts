// Numbers as sines and cosines (diffusers' Timesteps), and the two layers behind them (its TimestepEmbedding).
//
//   f_i = exp(−ln 10000 · i/h), i = 0 … h − 1;  e = [cos(t·f), sin(t·f)], in f32 whatever the graph is in

import { FLOAT, FLOAT16 } from '../../onnx/file/model';
import type { GraphBuilder } from './graphBuilder';
import { concat, linearOfRows, silu } from './layerNodes';

/** Of f32 numbers [..., 1]: [..., dim] in the graph's type, half of it cosines. */
export function waves(g: GraphBuilder, numbers: string, dim: number): string {
  const half = dim / 2;
  // As diffusers rounds on the way: at t = 999 the angles are 1000 times as wrong as the frequencies.
  const frequencies = Array.from({ length: half }, (_, i) =>
    Math.fround(Math.exp(Math.fround(Math.fround(Math.fround(-Math.log(10000)) * i) / half))),
  );
  const angles = g.op('Mul', [numbers, g.numbers(frequencies, [1, half], FLOAT)]);
  const [cosines, sines] = [g.op('Cos', [angles]), g.op('Sin', [angles])];
  const joined = concat(g, [cosines, sines], -1);
  return g.type === FLOAT16 ? g.op('Cast', [joined], { attributes: { to: { int: FLOAT16 } } }) : joined;
}

/** linear_2(SiLU(linear_1(x))), of rows. */
export function embedded(g: GraphBuilder, x: string, from: number, to: number): string {
  const hidden = silu(g, linearOfRows(g.in('linear_1'), x, { from, to }));
  return linearOfRows(g.in('linear_2'), hidden, { from: to, to });
}
