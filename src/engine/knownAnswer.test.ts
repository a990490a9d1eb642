// The known answers tell right operators from wrong ones.

import { expect, test } from 'vitest';
import { computesAttention } from './attentionCheck';
import { computesConvolutions } from './convolutionCheck';
import type { DeviceTensor } from './backend';
import { CpuBackend } from './cpuBackend';
import { loadNodeRuntime } from './testing/nodeRuntime';

const ort = await loadNodeRuntime();

test('the WASM provider is right', async () => {
  expect(await computesAttention(new CpuBackend(ort))).toBe(true);
  expect(await computesConvolutions(new CpuBackend(ort))).toBe(true);
});

test.each([
  ['one value is off by as much as was seen', (values: Float32Array) => values.with(500, values[500]! + 0.007)],
  ['NaN', (values: Float32Array) => values.with(7, NaN)],
  ['all zeros', (values: Float32Array) => values.map(() => 0)],
])('wrong: %s', async (_, spoil) => {
  class Wrong extends CpuBackend {
    override async read(tensor: DeviceTensor): Promise<Float32Array> {
      return spoil(await super.read(tensor));
    }
  }
  expect(await computesAttention(new Wrong(ort))).toBe(false);
  expect(await computesConvolutions(new Wrong(ort))).toBe(false);
});

test('what goes wrong on the way is not taken for a wrong answer', async () => {
  class Refusing extends CpuBackend {
    override createSession(): never {
      throw new Error('no such operator');
    }
  }
  await expect(computesAttention(new Refusing(ort))).rejects.toThrow('no such operator');
});
