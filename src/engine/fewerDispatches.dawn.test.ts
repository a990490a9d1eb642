// The operators that stand for several in a recorded forward, in f32 and f16, against the sums that they are.

import { expect, test } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { makeNode } from '../onnx/file/makeNode';
import { withMicrosoft } from '../onnx/file/opsets';
import { GpuBackend } from './gpuBackend';
import { asked, modelOf, type FloatType, type KnownAnswer } from './knownAnswer';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';

const [ROWS, TOKENS, WIDTH] = [2, 5, 320];
const EPSILON = 1e-5;
/** Results are rounded to 11 bits in f16. */
const BOUND: Readonly<Record<FloatType, number>> = { float32: 1e-5, float16: 1e-2 };

/** Sixteenths between −2 and 2, which f16 holds exactly. */
const wave = (length: number, phase: number) =>
  Float32Array.from({ length }, (_, at) => Math.round(32 * Math.sin(at * at + phase)) / 16);

function channelAffine(type: FloatType): KnownAnswer {
  const dims = [ROWS, WIDTH, 4, 3];
  const [x, w, b] = [wave(ROWS * WIDTH * 12, 1), wave(WIDTH, 2), wave(WIDTH, 3)];
  const inputs = { x, w, b, zeros: new Float32Array(WIDTH), ones: new Float32Array(WIDTH).fill(1) };
  const node = makeNode({ name: 'affine', opType: 'BatchNormalization' }, Object.keys(inputs), ['out'], {
    epsilon: { float: 0 },
  });
  const graph = modelOf(node, type, { x: dims, w: [WIDTH], b: [WIDTH], zeros: [WIDTH], ones: [WIDTH] }, dims);
  const channel = (at: number) => Math.floor(at / 12) % WIDTH;
  const answer = x.map((value, at) => w[channel(at)]! * value + b[channel(at)]!);
  return { operator: node.opType, graph, type, inputs, answer, bound: BOUND[type] };
}

/** @param output 0 the norm, 3 the sum. */
function residualNorm(type: FloatType, output: 0 | 3): KnownAnswer {
  const dims = [ROWS, TOKENS, WIDTH];
  const [a, b] = [wave(ROWS * TOKENS * WIDTH, 4), wave(ROWS * TOKENS * WIDTH, 5)];
  const [gamma, beta] = [wave(WIDTH, 6), wave(WIDTH, 7)];
  const names = output === 0 ? ['out', '', '', 'sum'] : ['norm', '', '', 'out'];
  const node = makeNode(
    { name: 'residual', opType: 'SkipLayerNormalization', domain: 'com.microsoft' },
    ['a', 'b', 'gamma', 'beta'],
    names,
    { epsilon: { float: EPSILON } },
  );
  const bare = modelOf(node, type, { a: dims, b: dims, gamma: [WIDTH], beta: [WIDTH] }, dims);
  const [{ elemType } = { elemType: 1 }] = bare.outputs;
  const graph = { ...bare, opsets: withMicrosoft(bare.opsets), outputs: [{ name: 'out', elemType, dims }] };
  const sum = a.map((value, at) => value + b[at]!);
  const answer = sum.map((value, at) => {
    if (output === 3) return value;
    const row = sum.subarray(at - (at % WIDTH), at - (at % WIDTH) + WIDTH);
    const mean = row.reduce((total, one) => total + one, 0) / WIDTH;
    const variance = row.reduce((total, one) => total + (one - mean) ** 2, 0) / WIDTH;
    return ((value - mean) / Math.sqrt(variance + EPSILON)) * gamma[at % WIDTH]! + beta[at % WIDTH]!;
  });
  return { operator: node.opType, graph, type, inputs: { a, b, gamma, beta }, answer, bound: BOUND[type] };
}

describeOnDawn('operators that stand for several', (gpu) => {
  test.each(['float32', 'float16'] as const)('in %s', async (type) => {
    if (type === 'float16' && !gpu.f16) {
      console.warn('SKIPPED in float16: this device has no shader-f16.');
      return;
    }
    const backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false });
    for (const known of [channelAffine(type), residualNorm(type, 0), residualNorm(type, 3)])
      expect(await asked(backend, known)).toMatchObject({ right: true });
  });
});
