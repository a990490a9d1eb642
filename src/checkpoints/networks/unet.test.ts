// UNets as we write them, held to diffusers with the same weights (fixtures/checkpoints/make_networks.py): all block
// types, odd latents, every attn1 found under its name, and cut at sites it predicts what diffusers does with PAG.

import { describe, expect, test } from 'vitest';
import { golden, storedWeights, valuesOf, type GoldenUnet } from '../../../fixtures/checkpoints/networks';
import { CpuBackend } from '../../engine/cpuBackend';
import { OnnxFile } from '../../engine/onnxFile';
import { CPU_F32 } from '../../engine/testing/bounds';
import { loadNodeRuntime } from '../../engine/testing/nodeRuntime';
import { relativeError } from '../../engine/testing/unetChecks';
import { Unet } from '../../engine/unet';
import { elemType } from '../../engine/unetInputs';
import { FLOAT, FLOAT16 } from '../../onnx/file/model';
import { unet as build } from './unet';

const backend = new CpuBackend(await loadNodeRuntime());
const never = new AbortController().signal;

async function predict(unet: Unet, { inputs, sites }: GoldenUnet, perturbed: readonly string[]): Promise<Float32Array> {
  const roles = unet.file.inputs;
  const feeds = Object.fromEntries(
    roles.map((input) => [
      input.name,
      backend.upload(elemType(input), inputs[input.name]!.shape, valuesOf(inputs[input.name]!)),
    ]),
  );
  const { sample, timestep, ...conditioning } = feeds;
  expect(unet.sites.map(({ name, heads }) => ({ name, heads }))).toEqual(sites);
  const output = await unet.predict(
    await unet.prepare(unet.sites.filter((site) => perturbed.includes(site.name))),
    {
      sample: sample!,
      timestep: (await backend.read(timestep!))[0]!,
      conditioning,
      fork: [0, 1].map((source) => ({ source, identity: perturbed.length > 0 ? 1 : 0 })),
    },
    never,
  );
  return backend.read(output);
}

function open(name: keyof typeof golden.unets, type: typeof FLOAT | typeof FLOAT16) {
  const { config } = golden.unets[name];
  const { weight, openFile, asked } = storedWeights(name);
  const model = build(config, { weight, type, splitsGelu: false });
  const file = OnnxFile.built(model, `${name}.onnx`, { device: backend, openFile });
  return { file, asked, unet: new Unet(backend, file, config.time_cond_proj_dim ?? null) };
}

describe.each(['sd', 'sdxl', 'ssd', 'koala', 'lcm'] as const)('%s', (name) => {
  const { sets, predictions } = golden.unets[name];

  test('it predicts what diffusers does, with PAG at its sites too', async () => {
    const { unet, asked } = open(name, FLOAT);
    expect([...asked].sort()).toEqual([...storedWeights(name).names].sort());
    const plain = valuesOf(predictions.none!);
    for (const [set, perturbed] of Object.entries(sets)) {
      const expected = valuesOf(predictions[set]!);
      expect(relativeError(await predict(unet, golden.unets[name], perturbed), expected), set).toBeLessThan(CPU_F32);
      if (set !== 'none') expect(relativeError(expected, plain), `${set} matters`).toBeGreaterThan(100 * CPU_F32);
    }
    await unet.dispose();
  });
});

test('built in f16, it is widened where the device has none: what was rounded to f16 are a few constants', async () => {
  const { unet, file } = open('sd', FLOAT16);
  expect(file.widened).toBe(true);
  const expected = valuesOf(golden.unets.sd.predictions.none!);
  expect(relativeError(await predict(unet, golden.unets.sd, []), expected)).toBeLessThan(1e-3);
  await unet.dispose();
});
