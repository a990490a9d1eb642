// A folder of .safetensors as diffusers wrote it, through the whole engine on the WASM provider, against diffusers'
// pipeline with PAG on the same weights.

import { expect, test } from 'vitest';
import { clipFolder, savedFolder } from '../../fixtures/checkpoints/golden';
import { commonSettings, families, latentsOf, worstPixel } from '../../fixtures/checkpoints/pipelines';
import { findRoles } from '../models/roles';
import { INITIAL } from '../settings/fields';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());
/** As for a single file (checkpointFiles.test.ts). */
const BOUND = 1e-4;

function filesOf(form: 'plain' | 'fp16-shards') {
  const files = new Map([...savedFolder(form), ...clipFolder()]);
  change(files, 'unet/config.json', { sample_size: 16 });
  return files;
}

function change(files: Map<string, Uint8Array<ArrayBuffer>>, path: string, fields: object): void {
  const config = JSON.parse(new TextDecoder().decode(files.get(path))) as object;
  files.set(path, new TextEncoder().encode(JSON.stringify({ ...config, ...fields })));
}

function read(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>) {
  return readModelFiles((path) => Promise.resolve(new Blob([files.get(path)!])), findRoles([...files.keys()]));
}

test.each([
  ['in f32', 'plain'],
  ['in f16 and in shards', 'fp16-shards'],
] as const)('a folder %s makes the pictures that diffusers makes of it', async (_, form) => {
  const model = await openModel(backend, await read(filesOf(form)), 'one');
  expect(model.info).toMatchObject({ latentShape: [4, 16, 16], predictionType: 'epsilon', notices: [] });
  const [golden] = families.sd1;
  const { latents, pair } = await generate(
    model,
    { ...INITIAL, ...commonSettings, ...golden!.settings, compare: false },
    { signal: new AbortController().signal, progress: () => {}, preview: () => {} },
  );
  const expected = latentsOf(golden!);
  expect(relativeError(latents.slice(-expected.length), expected)).toBeLessThan(BOUND);
  expect(worstPixel(golden!, pair.withPag.rgba)).toBeLessThanOrEqual(1);
  await closeModel(model);
});

test('weights are held to the config beside them, and what does not fit names its file', async () => {
  const deeper = filesOf('plain');
  change(deeper, 'unet/config.json', { layers_per_block: 3 });
  await expect(read(deeper)).rejects.toThrow(/^unet\/diffusion_pytorch_model\.safetensors: .*do not fit together/);
  const other = filesOf('plain');
  change(other, 'unet/config.json', { class_embed_type: 'timestep' });
  await expect(read(other)).rejects.toThrow(/^unet\/diffusion_pytorch_model\.safetensors: .*of a kind that Pagoda/);
  const swapped = filesOf('plain');
  swapped.set('vae/diffusion_pytorch_model.safetensors', swapped.get('text_encoder/model.safetensors')!);
  await expect(read(swapped)).rejects.toThrow(/^vae\/diffusion_pytorch_model\.safetensors: There is no VAE in it/);
  const torn = filesOf('fp16-shards');
  const shard = [...torn.keys()].find((path) => path.startsWith('unet/') && path.endsWith('.safetensors'))!;
  torn.set(shard, torn.get(shard)!.slice(0, -8));
  await expect(read(torn)).rejects.toThrow(/^unet\/.*index\.fp16\.json: This file ends before its last weights/);
});
