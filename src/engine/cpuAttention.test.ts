// The CPU's attention at a site, which ONNX Runtime computes, is what the kernel's twin computes in f64.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { attentionOnCpu } from '../kernels/attention.cpu';
import { pseudoRandom } from '../kernels/testing/buffers';
import { naiveAttention } from '../kernels/testing/naiveAttention';
import { CpuBackend } from './cpuBackend';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

const ort = await loadNodeRuntime();
const create = vi.spyOn(ort.InferenceSession, 'create');
const backend = new CpuBackend(ort);
afterEach(() => create.mockClear());

interface Case {
  readonly sourceRows: number;
  readonly tokens: number;
  readonly heads: number;
  readonly headDim: number;
  readonly scale: number | null;
  readonly rows: readonly (readonly [source: number, identity: number])[];
}

async function both({ sourceRows, tokens, heads, headDim, scale, rows }: Case) {
  const siteRows = rows.map(([source, identity]) => ({ source, identity }));
  const dims = [sourceRows, tokens, heads * headDim];
  const size = tokens * heads * headDim;
  // Logits of up to about 20 with a scale of 1/√dim: softmaxes from flat to nearly one-hot.
  const [q, k, v] = [4, 4, 1].map((most, seed) => pseudoRandom(sourceRows * size, seed, most)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const [tq, tk, tv] = [q, k, v].map((values) => backend.upload('float32', dims, values));
  const found = await backend.attend(tq!, tk!, tv!, siteRows, { heads, scale });
  const expected = new Float32Array(rows.length * size);
  const shape = { sourceRows, tokens, heads, headDim, scale: scale ?? 1 / Math.sqrt(headDim) };
  attentionOnCpu(shape, { q, k, v, out: expected }, siteRows);
  expect(found.dims).toEqual([rows.length, tokens, heads * headDim]);
  return { found: await backend.read(found), expected, size };
}

describe('equals the twin', () => {
  const shape = { sourceRows: 3, tokens: 37, heads: 2, headDim: 40, scale: null };

  test.each([
    ['rows as they come', '0:0 1:0 2:0'],
    ['a fork', '0:0 1:0 2:0 2:1'],
    ['behind the fork', '0:0 1:0 2:1'],
    ['strengths between, of rows that others read too', '2:0.3 2:0 0:0.75 2:1 0:0.75'],
    ['one in the middle', '1:0'],
    ['nothing to attend', '2:1 0:1'],
  ])('%s: %s', async (_, text) => {
    const rows = text.split(' ').map((row) => row.split(':').map(Number) as [number, number]);
    const { found, expected, size } = await both({ ...shape, rows });
    expect(relativeError(found, expected)).toBeLessThan(5e-6);
    rows.forEach(([, identity], row) => {
      if (identity !== 1) return;
      const part = [row * size, (row + 1) * size] as const;
      expect(found.slice(...part)).toEqual(expected.slice(...part));
    });
  });

  test.each([
    [1, 512, 0.03],
    [5, 6, null],
    [8, 160, 0.05],
  ])('%i heads of %i, factor %s', async (heads, headDim, scale) => {
    const { found, expected } = await both({ sourceRows: 1, tokens: 64, heads, headDim, scale, rows: [[0, 0]] });
    expect(relativeError(found, expected)).toBeLessThan(5e-6);
  });
});

test('one session for heads and factor, whatever the size, gone with the backend', async () => {
  const own = new CpuBackend(ort);
  const attend = async (tokens: number, heads: number, scale: number | null) => {
    const tensor = own.upload('float32', [1, tokens, 24], pseudoRandom(24 * tokens, 1));
    await own.attend(tensor, tensor, tensor, [{ source: 0, identity: 0.5 }], { heads, scale });
  };
  for (const tokens of [4, 64, 4]) await attend(tokens, 2, null);
  expect(create).toHaveBeenCalledTimes(1);
  await attend(4, 3, null);
  await attend(4, 3, 0.5);
  expect(create).toHaveBeenCalledTimes(3);
  const sessions = await Promise.all(create.mock.results.map((result) => result.value as ReturnType<typeof create>));
  const released = sessions.map((session) => vi.spyOn(session, 'release'));
  await own.dispose();
  for (const release of released) expect(release).toHaveBeenCalledTimes(1);
});

test('a row comes out the same, bit by bit, whatever rows are beside it', async () => {
  // Of one row, 1672 queries are as many as are taken at once: one would be left over. Of two rows it is fewer.
  const shape = { tokens: 1673, heads: 8, headDim: 8 };
  const size = shape.tokens * shape.heads * shape.headDim;
  const dims = [2, shape.tokens, shape.heads * shape.headDim];
  const [q, k, v] = [1, 2, 3].map((seed) => backend.upload('float32', dims, pseudoRandom(2 * size, seed, 2)));
  const attend = async (sources: readonly number[]) => {
    const rows = sources.map((source) => ({ source, identity: 0 }));
    return backend.read(await backend.attend(q!, k!, v!, rows, { heads: shape.heads, scale: null }));
  };
  const together = await attend([0, 1]);
  for (const row of [0, 1]) {
    const alone = await attend([row]);
    expect(relativeError(together.slice(row * size, (row + 1) * size), alone)).toBe(0);
  }
});

test('tokens beyond what ONNX Runtime can count in one go', async () => {
  const [tokens, headDim] = [4096, 64];
  const [q, k, v] = [2, 2, 1].map((most, seed) => pseudoRandom(tokens * headDim, seed, most)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const [tq, tk, tv] = [q, k, v].map((values) => backend.upload('float32', [1, tokens, headDim], values));
  const site = { source: 0, identity: 0 };
  const out = await backend.read(await backend.attend(tq!, tk!, tv!, [site], { heads: 1, scale: null }));
  const shape = { sourceRows: 1, tokens, heads: 1, headDim, scale: 1 / Math.sqrt(headDim) };
  for (const token of [0, 1500, 4095]) {
    const expected = Float32Array.from(naiveAttention(shape, { q, k, v }, site, token, 0));
    expect(relativeError(out.slice(token * headDim, (token + 1) * headDim), expected)).toBeLessThan(1e-5);
  }
});
