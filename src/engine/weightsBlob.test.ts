// The file of weights as ONNX Runtime reads it: whole, by slices, as a stream; and what it is converted from.

import { describe, expect, test } from 'vitest';
import { float16ToFloat32, float32ToFloat16 } from '../kernels/float16';
import { BFLOAT16, DOUBLE, FLOAT, FLOAT16, FLOAT8E4M3FN, FLOAT8E5M2 } from '../onnx/file/model';
import { ComputedBlob } from './computedBlob';
import { weightsBlob, type WeightsPart } from './weightsBlob';

const halves = Float32Array.from({ length: 5000 }, (_, at) => ((at % 1000) - 500) / 16);
const singles = Float32Array.of(1e-3, 2e7, -3);
/** 4 exponent bits of bias 7, 3 fraction bits. */
const E4M3_POSITIVE = Float32Array.from({ length: 127 }, (_, byte) =>
  byte < 8 ? byte * 2 ** -9 : (1 + (byte % 8) / 8) * 2 ** ((byte >> 3) - 7),
);
const parts = [
  { blob: new Blob([singles]) },
  { blob: new Blob([float32ToFloat16(halves)]), cast: { from: FLOAT16, to: FLOAT } },
  { blob: new Blob([singles]) },
];
const expected = new Uint8Array(Float32Array.of(...singles, ...halves, ...singles).buffer);

async function streamed(blob: Blob): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const reader = blob.stream().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value.slice());
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

async function numbers(part: WeightsPart): Promise<number[]> {
  const bytes = await weightsBlob([part]).arrayBuffer();
  return [...(part.cast?.to === FLOAT16 ? float16ToFloat32(new Uint16Array(bytes)) : new Float32Array(bytes))];
}

describe('weights with parts of another type than they are stored in', () => {
  const blob = weightsBlob(parts);

  test('are a Blob of the size in use', async () => {
    expect(blob).toBeInstanceOf(Blob);
    expect(blob.size).toBe(expected.length);
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(expected);
  });

  test.each([
    [0, 12],
    [12, 12 + 4 * 5000],
    [8, 400],
    [400, 20_000],
    [20_004, 20_024],
    [100, 100],
  ])('bytes %i to %i', async (start, end) => {
    const slice = blob.slice(start, end);
    expect(slice.size).toBe(end - start);
    expect(await streamed(slice)).toEqual(expected.slice(start, end));
    expect(new Uint8Array(await slice.arrayBuffer())).toEqual(expected.slice(start, end));
  });

  test('a bound inside a converted number is refused', () => {
    expect(() => blob.slice(14, 20)).toThrow(RangeError);
  });
});

test('what was read is given back once it is converted, a transposed matrix when all of it was used', async () => {
  const counted = { read: 0, released: 0 };
  class WatchedBlob extends Blob {
    override slice(start?: number, end?: number): Blob {
      return new WatchedBlob([super.slice(start, end)]);
    }

    override async arrayBuffer(): Promise<ArrayBuffer> {
      const buffer = await super.arrayBuffer();
      counted.read += buffer.byteLength;
      const transfer = (length: number) => {
        counted.released += buffer.byteLength;
        new Uint8Array(buffer).fill(255);
        return new ArrayBuffer(length);
      };
      return Object.assign(buffer, { transfer });
    }
  }
  const bytes = float32ToFloat16(Float32Array.of(1, 2, 3, 4, 5, 6));
  const part = { blob: new WatchedBlob([bytes]), cast: { from: FLOAT16, to: FLOAT } };
  const made = await weightsBlob([part, { ...part, transposed: { rows: 2, columns: 3 } }]).arrayBuffer();
  expect([...new Float32Array(made)]).toEqual([1, 2, 3, 4, 5, 6, 1, 4, 2, 5, 3, 6]);
  expect(counted).toEqual({ read: 2 * bytes.byteLength, released: 2 * bytes.byteLength });
});

test('a piece of a stream is made when it is asked for, and given back when the next one is', async () => {
  const log: string[] = [];
  class ThreePieces extends ComputedBlob {
    override slice(): Blob {
      return this;
    }

    protected override async *pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
      for (const number of [1, 2, 3]) {
        log.push(`${number} made`);
        const transfer = (length: number) => {
          log.push(`${number} given back`);
          return new ArrayBuffer(length);
        };
        yield await Promise.resolve(new Uint8Array(Object.assign(Uint8Array.of(number).buffer, { transfer })));
      }
    }
  }
  const reader = new ThreePieces(3).stream().getReader();
  await new Promise((later) => setTimeout(later));
  expect(log).toEqual([]);
  for (const number of [1, 2]) expect((await reader.read()).value).toEqual(Uint8Array.of(number));
  await new Promise((later) => setTimeout(later));
  expect(log).toEqual(['1 made', '1 given back', '2 made']);
  log.length = 0;
  expect([...new Uint8Array(await new ThreePieces(3).arrayBuffer())]).toEqual([1, 2, 3]);
  expect(log.filter((event) => event.endsWith('back'))).toHaveLength(3);
});

test('what is not converted is plain slices', async () => {
  const blob = weightsBlob([parts[0]!, parts[2]!]);
  expect(new Uint8Array(await blob.arrayBuffer())).toEqual(
    new Uint8Array(Float32Array.of(...singles, ...singles).buffer),
  );
});

describe('conversions', () => {
  const bf16 = new Blob([Uint16Array.of(0x3fc0, 0xc000, 0x3dcd, 0x7f80, 0x0001)]);
  const e4m3 = new Blob([Uint8Array.of(0x38, 0x80, 0x7e, 0x01, 0x7f, 0xc1)]);
  const e5m2 = new Blob([Uint8Array.of(0x38, 0x01, 0x7c, 0xc4)]);

  // Vectors of PyTorch's bfloat16, float8_e4m3fn and float8_e5m2.
  test.each([FLOAT, FLOAT16])('bf16 and both kinds of f8 to type %i', async (to) => {
    const wide = await numbers({ blob: bf16, cast: { from: BFLOAT16, to } });
    expect(wide.slice(0, 2)).toEqual([1.5, -2]);
    expect(wide[2]).toBeCloseTo(0.1, 3);
    expect(wide.slice(3)).toEqual([Infinity, to === FLOAT ? 2 ** -133 : 0]);
    const narrow = await numbers({ blob: e4m3, cast: { from: FLOAT8E4M3FN, to } });
    expect(narrow).toEqual([1, -0, 448, 2 ** -9, NaN, -2.25]);
    expect(await numbers({ blob: e5m2, cast: { from: FLOAT8E5M2, to } })).toEqual([0.5, 2 ** -16, Infinity, -4]);
  });

  test('f64 to f32', async () => {
    const blob = new Blob([Float64Array.of(0.1, -1e300)]);
    expect(await numbers({ blob, cast: { from: DOUBLE, to: FLOAT } })).toEqual([Math.fround(0.1), -Infinity]);
  });

  test('f32 to f16: the nearest, and what f16 cannot hold is refused', async () => {
    const from = (...values: number[]) => ({
      blob: new Blob([Float32Array.from(values)]),
      cast: { from: FLOAT, to: FLOAT16 },
    });
    expect(await numbers(from(1 / 3, 65519, 1e-9, -Infinity))).toEqual([0.333251953125, 65504, 0, -Infinity]);
    await expect(numbers(from(1, -65520))).rejects.toMatchObject({ code: 'not-finite', detail: '-65520' });
    const largest = new Blob([Uint16Array.of(0x4780)]);
    await expect(numbers({ blob: largest, cast: { from: BFLOAT16, to: FLOAT16 } })).rejects.toThrow(/full precision/);
  });
});

// The last is read in several pieces, whose bounds lie inside rows.
describe.each([
  [3, 5],
  [70, 33],
  [1100, 2100],
])('a matrix %i × %i with a scale a row', (rows, columns) => {
  const stored = Uint8Array.from({ length: rows * columns }, (_, at) => (at * 7) % 127);
  const factors = Float32Array.from({ length: rows }, (_, row) => 1 / (row + 3));
  const wide = Float32Array.from(stored, (byte) => E4M3_POSITIVE[byte]!);
  const file = new Blob([Uint8Array.of(1, 2, 3), factors]);
  const scale = { file, offset: 3, dataType: FLOAT, count: rows };
  const part = { blob: new Blob([stored]), cast: { from: FLOAT8E4M3FN, to: FLOAT }, scale };
  const used = wide.map((value, at) => value * factors[Math.floor(at / columns)]!);
  const turned = used.map((_, at) => used[(at % rows) * columns + Math.floor(at / rows)]!);

  test.each<[string, WeightsPart, Float32Array]>([
    ['as it lies', part, used],
    ['transposed', { ...part, transposed: { rows, columns } }, turned],
  ])('%s, whole and in part', async (_, one, values) => {
    const blob = weightsBlob([{ blob: new Blob([singles]) }, one]);
    const all = Buffer.concat([new Uint8Array(singles.buffer), new Uint8Array(values.buffer)]);
    expect(Buffer.compare(await streamed(blob), all)).toBe(0);
    const middle = 12 + 4 * Math.floor(values.length / 2) + 4;
    for (const [start, end] of [
      [12 + 8, all.length - 12],
      [middle, middle + 8],
      [middle, all.length],
    ] as const)
      expect(Buffer.compare(Buffer.from(await blob.slice(start, end).arrayBuffer()), all.subarray(start, end))).toBe(0);
  });
});

// The last is read in two pieces, whose bound lies inside the tiles in which it is transposed.
describe.each([
  [3, 5],
  [70, 33],
  [1040, 1100],
])('a matrix %i × %i, transposed', (rows, columns) => {
  const stored = Float32Array.from({ length: rows * columns }, (_, at) => at % 2039);
  const turned = Float32Array.from(
    { length: rows * columns },
    (_, at) => stored[(at % rows) * columns + Math.floor(at / rows)]!,
  );

  test.each([
    [FLOAT, FLOAT],
    [FLOAT16, FLOAT],
    [FLOAT, FLOAT16],
    [FLOAT16, FLOAT16],
  ])('stored as type %i and used as %i, whole and in part', async (from, to) => {
    const part: WeightsPart = {
      blob: new Blob([from === FLOAT16 ? float32ToFloat16(stored) : stored]),
      transposed: { rows, columns },
      ...(from === to ? {} : { cast: { from, to } }),
    };
    const used = to === FLOAT16 ? float32ToFloat16(turned) : turned;
    const blob = weightsBlob([{ blob: new Blob([singles]) }, part]);
    const all = Buffer.concat([new Uint8Array(singles.buffer), new Uint8Array(used.buffer)]);
    expect(blob.size).toBe(all.length);
    expect(Buffer.compare(await streamed(blob.slice(12)), all.subarray(12))).toBe(0);
    const [start, end] = [12 + 2 * used.BYTES_PER_ELEMENT, all.length - 3 * used.BYTES_PER_ELEMENT];
    expect(Buffer.compare(Buffer.from(await blob.slice(start, end).arrayBuffer()), all.subarray(start, end))).toBe(0);
  });
});
