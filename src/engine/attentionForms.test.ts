// Attention in every arrangement that exporters write: the factor before or after the product, heads split in each way,
// one operator or ten (fixtures/attention/make.py). Each self-attention is found, and cut there the graph gives what
// PyTorch gives with ordinary attention and with V in its place; what must not be touched is refused with a reason.

import { describe, expect, test } from 'vitest';
import { attentionGolden as golden, formFile, type GoldenTensor } from '../../fixtures/attention/golden';
import { CpuBackend } from './cpuBackend';
import { OnnxFile } from './onnxFile';
import { CPU_F32 as BOUND } from './testing/bounds';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';
import { Unet } from './unet';
import { elemType } from './unetInputs';

const backend = new CpuBackend(await loadNodeRuntime());
const never = new AbortController().signal;

/** Attention is fused where the device gives the known answer, else it runs as it is written. */
async function open(name: string, fusesAttention: boolean): Promise<Unet> {
  return new Unet(backend, await OnnxFile.open(formFile(name), `${name}.onnx`, { device: { f16: false, fusesAttention }, openFile: null }), null);
}

async function predict(unet: Unet, isCut: boolean, identity: number): Promise<Float32Array> {
  const { sample, timestep, encoder_hidden_states: context } = golden.inputs;
  const output = await unet.predict(await unet.prepare(isCut ? unet.sites : []), {
    sample: backend.upload(elemType(unet.inputs.sample), sample.shape, sample.values),
    timestep: timestep.values[0] as number,
    conditioning: { [unet.inputs.context.name]: backend.upload(elemType(unet.inputs.context), context.shape, context.values) },
    fork: [{ source: 0, identity }, { source: 1, identity }],
  }, never);
  return backend.read(output);
}

const values = ({ values: list }: GoldenTensor) => Float32Array.from(list);

/** These have MultiHeadAttention from the start, or come to have it when they are unpacked. */
const isFused = (name: string) => name.startsWith('multi') || name.startsWith('fused');
const cases = Object.entries(golden.taken).flatMap(([name, kind]) => [true, false].filter((fuses) => fuses || !isFused(name)).map((fuses) => [name, fuses ? 'fused' : 'as written', kind] as const));

describe.each(cases)('%s, %s', async (name, form, kind) => {
  const expected = golden.predictions[kind] as Record<'none' | 'all', GoldenTensor>;
  const unet = await open(name, form === 'fused');

  test('its self-attention is found, its cross-attention is none', () => {
    expect(unet.sites.map(({ heads, scale }) => ({ heads, scale: Number(scale?.toPrecision(6)) }))).toEqual([{ heads: golden.heads, scale: golden.scale }]);
    expect([...unet.refused]).toEqual(kind === 'masked' ? [['masked', 1]] : []);
  });

  test('cut or not it gives what PyTorch gives, and with V in its place too', async () => {
    const [whole, same, perturbed] = [await predict(unet, false, 0), await predict(unet, true, 0), await predict(unet, true, 1)];
    expect(relativeError(whole, values(expected.none)), 'uncut').toBeLessThan(BOUND);
    expect(relativeError(same, values(expected.none)), 'cut').toBeLessThan(BOUND);
    expect(relativeError(perturbed, values(expected.all)), 'perturbed').toBeLessThan(BOUND);
    await unet.dispose();
  });
});

test('perturbing matters', () => {
  for (const { none, all } of Object.values(golden.predictions)) expect(relativeError(values(all), values(none))).toBeGreaterThan(0.1);
});

test.each(Object.entries(golden.refused))('%s is refused: %s', async (name, reason) => {
  const { sites, refused } = await open(name, true);
  expect([sites.length, [...refused.keys()]]).toEqual([0, [reason]]);
});
