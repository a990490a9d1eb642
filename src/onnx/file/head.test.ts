// What the beginning of a file tells, at every length of it, and what damaged bytes do to that: nothing but null.

import { openAsBlob } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unetFile } from '../../../fixtures/architectures/golden';
import { headUsesFloat16 } from './head';

const blobs: [string, Blob, boolean][] = [
  ['tiny, f32', await openAsBlob('fixtures/models/tiny/unet/model.onnx'), false],
  ['tiny, f16', await openAsBlob('fixtures/models/tiny-f16/unet/model.onnx'), true],
  ['pocket, weights kept in f16', await openAsBlob('public/models/pocket/unet/model.onnx'), false],
  ['sd-optimum', unetFile('sd-optimum'), false],
  ['sd-fused', unetFile('sd-fused'), false],
  ['sd-packed16', unetFile('sd-packed16'), true],
  ['lcm-baddbmm16', unetFile('lcm-baddbmm16'), true],
];

describe.each(blobs)('%s', (_, blob, half) => {
  test('whole, it is told', async () => {
    expect(await headUsesFloat16(blob, blob.size)).toBe(half);
  });

  test('a part of it tells the same, or that it does not tell; more never tells less', async () => {
    const told: (boolean | null)[] = [];
    for (let part = 1; part <= 12; part += 1)
      told.push(await headUsesFloat16(blob.slice(0, Math.floor((blob.size * part) / 13)), blob.size));
    expect(new Set(told.filter((one) => one !== null))).toEqual(new Set([half]));
    const first = told.findIndex((one) => one !== null);
    expect(told.slice(first).every((one) => one === half)).toBe(true);
  });
});

test('of a large file a small part is enough', async () => {
  const pocket = blobs[2]![1];
  // As if its weights were a hundred times as large: the head is the same.
  expect(await headUsesFloat16(pocket.slice(0, Math.floor(pocket.size / 10)), 100 * pocket.size)).toBe(false);
});

test('damaged bytes give an answer or none, and never more', async () => {
  // Its nodes, which come first, and the first of its weights.
  const whole = new Uint8Array(await blobs[1]![1].slice(0, 2 ** 18).arrayBuffer());
  let state = 1;
  const random = (below: number) => (state = (state * 1103515245 + 12345) % 2 ** 31) % below;
  for (let round = 0; round < 100; round += 1) {
    const bytes = whole.slice(0, 1 + random(whole.length));
    for (let flips = 0; flips < 4; flips += 1) bytes[random(Math.min(bytes.length, 2000))] = random(256);
    expect([true, false, null]).toContain(await headUsesFloat16(new Blob([bytes]), random(2) ? bytes.length : 2 ** 31));
  }
  expect(await headUsesFloat16(new Blob(['<!doctype html>']), 2 ** 31)).toBeNull();
  expect(await headUsesFloat16(new Blob([]), 0)).toBeNull();
});
