// Attention in every arrangement that exporters write: the factor before or after the product, heads split in each way,
// one operator or ten (fixtures/attention/make.py). Each self-attention is found, and cut there the graph gives what
// PyTorch gives with ordinary attention and with V in its place; what must not be touched is refused with a reason.

import { describe, expect, test } from 'vitest';
import { attentionGolden as golden } from '../../fixtures/attention/golden';
import { CpuBackend } from './cpuBackend';
import { CPU_F32 as BOUND } from './testing/bounds';
import { formErrors, openForm } from './testing/forms';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());

/** These have MultiHeadAttention from the start, or come to have it when they are unpacked. */
const isFused = (name: string) => name.startsWith('multi') || name.startsWith('fused');
const cases = Object.entries(golden.taken).flatMap(([name, kind]) =>
  [true, false]
    .filter((fuses) => fuses || !isFused(name))
    .map((fuses) => [name, fuses ? 'fused' : 'as written', kind] as const),
);

describe.each(cases)('%s, %s', async (name, form, kind) => {
  const unet = await openForm(name, backend, form === 'fused');

  test('its self-attention is found, its cross-attention is none', () => {
    expect(unet.sites.map(({ heads, scale }) => ({ heads, scale: Number(scale?.toPrecision(6)) }))).toEqual([
      { heads: golden.heads, scale: golden.scale },
    ]);
    expect([...unet.refused]).toEqual(kind === 'masked' ? [['masked', 1]] : []);
  });

  test('cut or not it gives what PyTorch gives, and with V in its place too', async () => {
    for (const [run, error] of Object.entries(await formErrors(unet, backend, kind)))
      expect(error, run).toBeLessThan(BOUND);
    await unet.dispose();
  });
});

test('perturbing matters', () => {
  const values = (tensor: { readonly values: readonly number[] }) => Float32Array.from(tensor.values);
  for (const { none, all } of Object.values(golden.predictions))
    expect(relativeError(values(all), values(none))).toBeGreaterThan(0.1);
});

test.each(Object.entries(golden.refused))('%s is refused: %s', async (name, reason) => {
  const { sites, refused } = await openForm(name, backend, true);
  expect([sites.length, [...refused.keys()]]).toEqual([0, [reason]]);
});
