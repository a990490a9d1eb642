// The known answers tell right operators from wrong ones.

import { expect, test } from 'vitest';
import { knownAttention } from './attentionCheck';
import { knownConvolutions } from './convolutionCheck';
import { FLOAT } from '../onnx/file/model';
import type { DeviceTensor } from './backend';
import { CpuBackend } from './cpuBackend';
import { asked, askedInEach } from './knownAnswer';
import { knownReductions } from './reductionCheck';
import { loadNodeRuntime } from './testing/nodeRuntime';

const ort = await loadNodeRuntime();

test('the WASM provider is right', async () => {
  for (const known of [knownAttention, knownConvolutions]) {
    expect(await askedInEach(new CpuBackend(ort), known)).toMatchObject([{ right: true }]);
  }
});

test('reductions are asked for in f16 alone, each with an answer that its own operator gives in f32', async () => {
  expect(knownReductions('float32')).toEqual([]);
  for (const known of knownReductions('float16')) {
    const inputs = known.graph.inputs.map((info) => ({ ...info, elemType: FLOAT }));
    const outputs = known.graph.outputs.map((info) => ({ ...info, elemType: FLOAT }));
    const wide = { ...known, type: 'float32', graph: { ...known.graph, inputs, outputs } } as const;
    expect(await asked(new CpuBackend(ort), { ...wide, bound: 1e-3 })).toMatchObject({ right: true });
  }
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
  for (const known of [knownAttention, knownConvolutions]) {
    expect(await askedInEach(new Wrong(ort), known)).toMatchObject([{ right: false }]);
  }
});

test('what goes wrong on the way is not taken for a wrong answer', async () => {
  class Refusing extends CpuBackend {
    override createSession(): never {
      throw new Error('no such operator');
    }
  }
  await expect(askedInEach(new Refusing(ort), knownAttention)).rejects.toThrow('no such operator');
});
