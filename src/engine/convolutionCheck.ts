// Whether ONNX Runtime's Conv is right on a device, with a kernel of 3×3 and 12 channels: what is left of it once
// channels are padded (onnx/padChannels). There is no way round a wrong one but the CPU.
//
//   out[o, y, x] = Σ_c Σ_i Σ_j w[o, c, i, j] · in[c, y + i − 1, x + j − 1]

import { makeNode } from '../onnx/file/makeNode';
import { modelOf, type FloatType, type KnownAnswer } from './knownAnswer';

const CHANNELS = 12;
const OUT = 8;
const EDGE = 8;
/** Largest error; each sum of 108 products is within ±7. f16 rounds every product and sum to 11 bits. */
const BOUNDS = { float32: 1e-4, float16: 5e-2 } as const;

export function knownConvolutions(type: FloatType): KnownAnswer[] {
  const x = wave(CHANNELS * EDGE * EDGE, 1);
  const w = wave(OUT * CHANNELS * 9, 2).map((value) => value / 8);
  const sizes = { x: [1, CHANNELS, EDGE, EDGE], w: [OUT, CHANNELS, 3, 3] };
  const node = makeNode({ name: 'convolution', opType: 'Conv' }, ['x', 'w'], ['out'], {
    pads: { ints: [1, 1, 1, 1] },
  });
  const graph = modelOf(node, type, sizes, [1, OUT, EDGE, EDGE]);
  return [{ operator: 'Conv', graph, type, inputs: { x, w }, answer: convolved(x, w), bound: BOUNDS[type] }];
}

/** Sixteenths, which f16 holds exactly. */
function wave(length: number, phase: number): Float32Array {
  return Float32Array.from({ length }, (_, at) => Math.round(16 * Math.sin(phase + at * (1 + 0.01 * at))) / 16);
}

function convolved(x: Float32Array, w: Float32Array): Float32Array {
  const at = (channel: number, row: number, column: number) =>
    Math.min(row, column) < 0 || Math.max(row, column) >= EDGE ? 0 : x[(channel * EDGE + row) * EDGE + column]!;
  return Float32Array.from({ length: OUT * EDGE * EDGE }, (_, index) => {
    const [out, row, column] = [Math.floor(index / EDGE / EDGE), Math.floor(index / EDGE) % EDGE, index % EDGE];
    let sum = 0;
    for (let tap = 0; tap < CHANNELS * 9; tap += 1) {
      const [channel, i, j] = [Math.floor(tap / 9), Math.floor(tap / 3) % 3, tap % 3];
      sum += w[out * CHANNELS * 9 + tap]! * at(channel, row + i - 1, column + j - 1);
    }
    return sum;
  });
}
