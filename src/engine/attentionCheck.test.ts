// The known answer tells right attention from wrong.

import { expect, test } from 'vitest';
import { computesAttention } from './attentionCheck';
import type { DeviceTensor } from './backend';
import { CpuBackend } from './cpuBackend';
import { loadNodeRuntime } from './testing/nodeRuntime';

const ort = await loadNodeRuntime();

test('the WASM provider is right', async () => {
  expect(await computesAttention(new CpuBackend(ort))).toBe(true);
});

test.each([
  ['one value is off by as much as was seen', (values: Float32Array) => values.with(1000, (values[1000] as number) + 0.007)],
  ['NaN', (values: Float32Array) => values.with(7, NaN)],
  ['all zeros', (values: Float32Array) => values.map(() => 0)],
])('wrong: %s', async (_, spoil) => {
  class Wrong extends CpuBackend {
    override async read(tensor: DeviceTensor): Promise<Float32Array> {
      return spoil(await super.read(tensor));
    }
  }
  expect(await computesAttention(new Wrong(ort))).toBe(false);
});

test('a device that refuses the operator has it not right', async () => {
  class Refusing extends CpuBackend {
    override createSession(): never {
      throw new Error('no such operator');
    }
  }
  expect(await computesAttention(new Refusing(ort))).toBe(false);
});
