import { describe, expect, it } from 'vitest';
import type { AttentionShape } from './attention';
import { attentionOnCpu } from './attention.cpu';
import { attentionTiles } from './attentionTiles';
import { pseudoRandom } from './testing/buffers';
import { naiveAttention } from './testing/naiveAttention';

// The worked example of the PAG reference: one head of 4 tokens × 2.
const example = {
  q: Float32Array.of(1, 0, 0, 1, 1, 1, -1, 0.5),
  k: Float32Array.of(0.5, 0.5, 1, -1, 0, 1, 2, 0),
  v: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
};
const exampleShape: AttentionShape = { sourceRows: 1, tokens: 4, heads: 1, headDim: 2, scale: Math.SQRT1_2 };

describe('attentionOnCpu', () => {
  it('gives the reference numbers at u = 0, 1 and .5', () => {
    const out = new Float32Array(24);
    const identities = [0, 1, 0.5].map((identity) => ({ source: 0, identity }));
    attentionOnCpu(exampleShape, { ...example, out }, identities);
    expect(out[0]).toBeCloseTo(4.821819, 6);
    expect(out[1]).toBeCloseTo(5.821819, 6);
    expect(out.slice(8, 16)).toEqual(example.v);
    expect(out[16]).toBeCloseTo(2.91091, 5);
    expect(out[17]).toBeCloseTo(3.91091, 5);
  });

  it.each([
    { sourceRows: 2, tokens: 5, heads: 3, headDim: 7, scale: 0.4 },
    { sourceRows: 3, tokens: 1, heads: 2, headDim: 16, scale: 0.25 },
    { sourceRows: 2, tokens: 77, heads: 2, headDim: 40, scale: 40 ** -0.5 },
  ])('agrees with the definition: $tokens tokens, $heads heads × $headDim', (shape) => {
    const elements = shape.tokens * shape.heads * shape.headDim;
    const [q, k, v] = [1, 2, 3].map((seed) => pseudoRandom(shape.sourceRows * elements, seed, 3)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const rows = [0, 1, 0.3, 0].map((identity, row) => ({ source: row % shape.sourceRows, identity }));
    const out = new Float32Array(rows.length * elements);
    attentionOnCpu(shape, { q, k, v, out }, rows);
    rows.forEach((row, r) => {
      for (let token = 0; token < shape.tokens; token += 1) {
        for (let head = 0; head < shape.heads; head += 1) {
          const begin = r * elements + (token * shape.heads + head) * shape.headDim;
          // f64 on both sides: what is left is the rounding of the result to f32.
          naiveAttention(shape, { q, k, v }, row, token, head).forEach((value, d) => {
            expect(Math.abs(out[begin + d]! - value)).toBeLessThanOrEqual(2 ** -24 * Math.abs(value) + 1e-12);
          });
        }
      }
    });
  });

  it('refuses a row map that leaves its range, and arrays that are too short', () => {
    const run = (source: number, identity: number, length = 8) =>
      attentionOnCpu(exampleShape, { ...example, out: new Float32Array(length) }, [{ source, identity }]);
    expect(() => run(1, 0)).toThrow(RangeError);
    expect(() => run(0, 1.5)).toThrow(RangeError);
    expect(() => run(0, NaN)).toThrow(RangeError);
    expect(() => run(0, 0, 7)).toThrow(RangeError);
  });
});

describe('attentionTiles', () => {
  it('keeps every head dim and token count within the limits that all devices have', () => {
    for (let headDim = 4; headDim <= 256; headDim += 4) {
      for (const tokens of [1, 16, 17, 256, 257, 16384]) {
        const tiles = attentionTiles(headDim, tokens);
        const keyTile = tiles.KEYS_PER_LANE * tiles.LANES;
        const threads = tiles.LANES * tiles.GROUPS;
        expect(threads).toBeLessThanOrEqual(256);
        expect(16 * (tiles.STAGE + (keyTile + 1) * tiles.GROUPS)).toBeLessThanOrEqual(16384);
        expect(tiles.STAGE).toBeGreaterThanOrEqual(threads);
        expect(tiles.STAGE).toBeGreaterThanOrEqual(tiles.DEPTH_TILE * (4 * tiles.GROUPS + keyTile));
        expect(tiles.STAGE).toBeGreaterThanOrEqual(tiles.VALUE_TILE * tiles.HEAD_VECS);
        expect(tiles.DEPTH_TILE).toBeGreaterThanOrEqual(1);
        expect(keyTile % tiles.VALUE_TILE).toBe(0);
      }
    }
  });

  it('leaves no lane idle at the head dims of Stable Diffusion', () => {
    for (const headDim of [40, 64, 80, 128, 160]) {
      const { HEAD_VECS, LANES } = attentionTiles(headDim, 4096);
      expect(HEAD_VECS % LANES).toBe(0);
      expect(LANES).toBeGreaterThanOrEqual(10);
    }
  });

  it('refuses head dims that the kernel cannot take', () => {
    for (const headDim of [0, 6, 260, 40.5, NaN]) expect(() => attentionTiles(headDim, 64)).toThrow(RangeError);
  });
});
