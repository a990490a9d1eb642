// The WGSL kernel held to its twin, and to what a perturbation site must do whatever the numbers.
//
// Bounds. f32: with values of V within ±1, a rounding unit e = 2⁻²⁴ enters each weight through its logit
// (sums of headDim products), exp2 and the running sums over tokens; rounding errors add up like a random
// walk, so 4·e·(√headDim + √tokens) covers them. f16: inputs are rounded before both sides read them, so
// only the rounding of the result is added, 2⁻¹¹ of its value.

import { beforeAll, expect, it } from 'vitest';
import type { SiteRow } from '../diffusion/types';
import { createAttention, type AttentionShape } from './attention';
import { attentionOnCpu } from './attention.cpu';
import { KernelCompiler, type ElementType } from './compiler';
import { download, load, pseudoRandom, store, upload } from './testing/buffers';
import { describeOnDawn } from './testing/dawn';
import type { Tensors } from './testing/naiveAttention';

const GUARD = 64;
const GUARD_BITS = 0x3c;

function shapeOf(sourceRows: number, tokens: number, heads: number, headDim: number): AttentionShape {
  return { sourceRows, tokens, heads, headDim, scale: headDim ** -0.5 };
}

/** Pseudo-random Q, K, V as the storage type has them. */
function makeTensors(shape: AttentionShape, elem: ElementType, logitScale = 1): Tensors {
  const length = shape.sourceRows * shape.tokens * shape.heads * shape.headDim;
  const make = (seed: number, scale: number) => {
    const stored = store(pseudoRandom(length, seed, scale), elem);
    return load(stored.buffer as ArrayBuffer, elem, length);
  };
  return { q: make(1, 2 * logitScale), k: make(2, 2), v: make(3, 1) };
}

function f32Bound(shape: AttentionShape): number {
  return 4 * 2 ** -24 * (Math.sqrt(shape.headDim) + Math.sqrt(shape.tokens));
}

describeOnDawn('attention on Dawn', (gpu) => {
  let compiler: KernelCompiler;
  beforeAll(() => {
    compiler = new KernelCompiler(gpu.device);
  });

  /** Runs the kernel into a buffer of guard bytes and checks that those after the result are untouched. */
  async function run(
    shape: AttentionShape,
    elem: ElementType,
    { q, k, v }: Tensors,
    rows: readonly SiteRow[],
  ): Promise<Float32Array> {
    const attention = await createAttention(compiler, shape, elem);
    const length = rows.length * shape.tokens * shape.heads * shape.headDim;
    const bytes = length * (elem === 'f16' ? 2 : 4);
    const out = upload(gpu.device, 'out', new Uint8Array(bytes + GUARD).fill(GUARD_BITS));
    const [qb, kb, vb] = [q, k, v].map((data, i) => upload(gpu.device, 'qkv'[i]!, store(data, elem)));
    const encoder = gpu.device.createCommandEncoder({ label: 'attention test' });
    attention.encode(encoder, { q: qb!, k: kb!, v: vb!, out }, rows);
    gpu.device.queue.submit([encoder.finish()]);
    const result = await download(gpu.device, out);
    expect([...new Uint8Array(result, bytes, GUARD)]).toEqual(new Array(GUARD).fill(GUARD_BITS));
    for (const buffer of [out, qb!, kb!, vb!]) buffer.destroy();
    return load(result, elem, length);
  }

  function onCpu(shape: AttentionShape, tensors: Tensors, rows: readonly SiteRow[]): Float32Array {
    const out = new Float32Array(rows.length * shape.tokens * shape.heads * shape.headDim);
    attentionOnCpu(shape, { ...tensors, out }, rows);
    return out;
  }

  // Small and large tiles, whole and ragged; head dims with idle lanes (4, 68) and of the known models.
  const spread = [
    shapeOf(1, 1, 1, 4),
    shapeOf(1, 16, 3, 16),
    shapeOf(2, 77, 2, 40),
    shapeOf(1, 257, 2, 68),
    shapeOf(1, 320, 1, 80),
    shapeOf(2, 64, 2, 160),
    shapeOf(1, 40, 1, 256),
    shapeOf(1, 1000, 1, 64),
  ];
  const spreadOf = { f32: spread, f16: [spread[2]!, spread[3]!, spread[5]!] };

  for (const elem of ['f32', 'f16'] as const) {
    const rounding = elem === 'f16' ? 2 ** -11 : 2 ** -24;
    for (const shape of spreadOf[elem]) {
      const { sourceRows, tokens, heads, headDim } = shape;
      it.runIf(elem === 'f32' || gpu.f16)(
        `${elem}: is the twin's result for ${sourceRows} rows, ${tokens} tokens, ${heads} heads × ${headDim}`,
        async () => {
          const tensors = makeTensors(shape, elem);
          const rows = [
            { source: 0, identity: 0 },
            { source: sourceRows - 1, identity: 0.3 },
            { source: sourceRows - 1, identity: 0 },
            { source: 0, identity: 1 },
          ];
          const expected = onCpu(shape, tensors, rows);
          const got = await run(shape, elem, tensors, rows);
          const bound = f32Bound(shape);
          const excess = got.map((value, i) => Math.abs(value - expected[i]!) - rounding * Math.abs(expected[i]!));
          expect(
            excess.every((value) => value <= bound),
            `worst ${excess.reduce((a, b) => Math.max(a, b))}`,
          ).toBe(true);
        },
      );
    }
  }

  // The shape whose pipeline the spread has compiled already.
  const shape = shapeOf(2, 77, 2, 40);
  const dim = shape.heads * shape.headDim;

  it('is right where logits are far apart: no overflow, no NaN', async () => {
    const tensors = makeTensors(shape, 'f32', 200);
    const rows = [{ source: 1, identity: 0 }];
    const expected = onCpu(shape, tensors, rows);
    const got = await run(shape, 'f32', tensors, rows);
    // Logits in the hundreds carry rounding errors that many times larger.
    const bound = 200 * f32Bound(shape);
    expect(got.every((value, i) => Math.abs(value - expected[i]!) <= bound)).toBe(true);
  });

  it('at identity 1 returns V bit by bit, whatever Q and K are', async () => {
    const tensors = makeTensors(shape, 'f32');
    const noise = { ...tensors, q: tensors.q.map(() => NaN), k: tensors.k.map(() => NaN) };
    const got = await run(shape, 'f32', noise, [{ source: 1, identity: 1 }]);
    expect(got).toEqual(tensors.v.slice(shape.tokens * dim));
  });

  it('at identity 1 keeps tokens apart, at identity 0 mixes them', async () => {
    const tensors = makeTensors(shape, 'f32');
    const token = 30;
    const changed = { ...tensors, v: tensors.v.map((value, i) => (Math.floor(i / dim) === token ? value + 1 : value)) };
    const rows = [
      { source: 0, identity: 1 },
      { source: 0, identity: 0 },
    ];
    const before = await run(shape, 'f32', tensors, rows);
    const after = await run(shape, 'f32', changed, rows);
    const tokensChanged = new Set<number>();
    for (const [i, value] of after.entries()) if (value !== before[i]) tokensChanged.add(Math.floor(i / dim));
    const attended = Array.from({ length: shape.tokens }, (_, i) => shape.tokens + i);
    expect([...tokensChanged].sort((a, b) => a - b)).toEqual([token, ...attended]);
  });

  it('reads the source row that the row map names', async () => {
    const tensors = makeTensors(shape, 'f32');
    const rows = [
      { source: 1, identity: 0 },
      { source: 0, identity: 0 },
      { source: 1, identity: 0 },
    ];
    const got = await run(shape, 'f32', tensors, rows);
    const size = shape.tokens * dim;
    expect(got.slice(0, size)).toEqual(got.slice(2 * size));
    expect(got.slice(0, size)).not.toEqual(got.slice(size, 2 * size));
  });
});
