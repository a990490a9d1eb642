// The file of weights as ONNX Runtime reads it: whole, by slices, as a stream.

import { describe, expect, test } from 'vitest';
import { float32ToFloat16 } from '../kernels/float16';
import { weightsBlob } from './weightsBlob';

const halves = Float32Array.from({ length: 5000 }, (_, at) => ((at % 1000) - 500) / 16);
const singles = Float32Array.of(1e-3, 2e7, -3);
const parts = [
  { blob: new Blob([singles]), widened: false },
  { blob: new Blob([float32ToFloat16(halves)]), widened: true },
  { blob: new Blob([singles]), widened: false },
];
const expected = new Uint8Array(Float32Array.of(...singles, ...halves, ...singles).buffer);

async function streamed(blob: Blob): Promise<Uint8Array> {
  const chunks: number[] = [];
  const reader = blob.stream().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(...next.value);
  return Uint8Array.from(chunks);
}

describe('weights with f16 parts that are to be f32', () => {
  const blob = weightsBlob(parts);

  test('are a Blob of the widened size', async () => {
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

  test('a bound inside a widened number is refused', () => {
    expect(() => blob.slice(14, 20)).toThrow(RangeError);
  });
});

test('without f16 parts they are plain slices', async () => {
  const blob = weightsBlob([parts[0] as (typeof parts)[number], parts[2] as (typeof parts)[number]]);
  expect(new Uint8Array(await blob.arrayBuffer())).toEqual(
    new Uint8Array(Float32Array.of(...singles, ...singles).buffer),
  );
});
