// Whether ONNX Runtime's Conv is right on a device, with a kernel of 3×3 and 12 channels: what is left of it once
// channels are padded (onnx/padChannels). There is no way round a wrong one but the CPU.
//
//   out[o, y, x] = Σ_c Σ_i Σ_j w[o, c, i, j] · in[c, y + i − 1, x + j − 1]

import { makeNode } from '../onnx/file/makeNode';
import { FLOAT, FLOAT16, type Model } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import type { Backend } from './backend';
import { worstError, type KnownAnswer } from './knownAnswer';

const CHANNELS = 12;
const OUT = 8;
const EDGE = 8;
/** Largest error; each sum of 108 products is within ±7. f16 rounds every product and sum to 11 bits. */
const BOUNDS = { float32: 1e-4, float16: 5e-2 } as const;

/** Throws what the session throws: that says nothing of the answer. */
export async function computesConvolutions(backend: Backend): Promise<boolean> {
  for (const type of backend.f16 ? (['float32', 'float16'] as const) : (['float32'] as const)) {
    if (!((await worstError(backend, known(type))) < BOUNDS[type])) return false;
  }
  return true;
}

function known(type: 'float32' | 'float16'): KnownAnswer {
  const x = wave(CHANNELS * EDGE * EDGE, 1);
  const w = wave(OUT * CHANNELS * 9, 2).map((value) => value / 8);
  return { graph: oneNode(type), type, inputs: { x, w }, answer: convolved(x, w) };
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

function oneNode(type: 'float32' | 'float16'): Model {
  const value = (name: string, dims: readonly number[]) => ({
    name,
    elemType: type === 'float16' ? FLOAT16 : FLOAT,
    dims,
  });
  return {
    irVersion: 8,
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    functions: [],
    initializers: new Map(),
    valueInfo: new Map(),
    nodes: [makeNode({ name: 'convolution', opType: 'Conv' }, ['x', 'w'], ['out'], { pads: { ints: [1, 1, 1, 1] } })],
    inputs: [value('x', [1, CHANNELS, EDGE, EDGE]), value('w', [OUT, CHANNELS, 3, 3])],
    outputs: [value('out', [1, OUT, EDGE, EDGE])],
  };
}
