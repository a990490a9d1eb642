// A model with the VAE of another file: the picture is the one that diffusers' pipeline makes with that VAE.

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import { partFile, singleFile, small, weight, type Table } from '../../fixtures/checkpoints/golden';
import { families, latentsOf, wholeFile, worstPixel } from '../../fixtures/checkpoints/pipelines';
import { tinyVaeDecoder } from '../checkpoints/networks/tinyVae';
import { readHeader } from '../checkpoints/safetensors';
import { fileOf, safetensorsFile, type Entry } from '../checkpoints/testing/safetensorsFile';
import { FLOAT, type Tensor } from '../onnx/file/model';
import { checkpointFiles } from './checkpointFiles';
import { CpuBackend } from './cpuBackend';
import type { BuildGraph, ModelFiles } from './modelFiles';
import { OnnxFile } from './onnxFile';
import { withVae } from './replacedVae';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { VaeDecoder } from './vaeDecoder';

const backend = new CpuBackend(await loadNodeRuntime());
const named = (blob: Blob) => new File([blob], 'same.safetensors');
const open = (blob: Blob) =>
  checkpointFiles({ file: named(blob), clipUrl: '' }, undefined, () => openAsBlob('public/clip/merges.txt'));
const [golden] = families.sd1;

/** The same file with other bytes in some of its tensors. */
async function changed(blob: Blob, change: (key: string, bytes: Uint8Array<ArrayBuffer>) => void): Promise<Blob> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  for (const [key, { offset, length }] of (await readHeader(blob)).tensors)
    change(key, bytes.subarray(offset, offset + length));
  return new Blob([bytes]);
}

async function decoded(files: ModelFiles): Promise<ArrayLike<number>> {
  const graph = (files.vaeDecoder as BuildGraph)(backend);
  const file = OnnxFile.built(graph, files.paths.vaeDecoder!, { device: backend, openFile: files.open });
  const decoder = await VaeDecoder.open(backend, file, files.vaeConfig);
  const { rgba } = await decoder.decode(backend.upload('float32', [1, 4, 16, 16], latentsOf(golden!)), 0);
  await decoder.dispose();
  return rgba;
}

test('under names of either kind the file’s VAE decodes, and all else stays the model’s', async () => {
  const spoilt = await changed(wholeFile('sd1', 'F16'), (key, bytes) => {
    if (key.startsWith('first_stage_model.')) bytes.fill(0);
  });
  const base = await open(spoilt);
  expect(worstPixel(golden!, await decoded(base))).toBeGreaterThan(50);
  const { file, ...rest } = small.sd1!;
  const bare = Object.entries(file).flatMap(([key, entry]) =>
    key.startsWith('first_stage_model.') ? [[key.slice('first_stage_model.'.length), entry] as const] : [],
  );
  const alone: Table = { ...rest, file: Object.fromEntries(bare) };
  for (const vae of [partFile(small.sd1!, 'vae'), singleFile(alone, 'F32')]) {
    const files = await withVae(base, named(vae));
    expect(worstPixel(golden!, await decoded(files))).toBeLessThanOrEqual(1);
    expect(files).toMatchObject({ unet: base.unet, textEncoder: base.textEncoder });
  }
});

test('a tiny one has latents of the UNet’s own scale; what is no VAE is refused by name', async () => {
  const shapes = new Map<string, readonly number[]>();
  const collect = (name: string, dims: readonly number[]): Tensor => {
    shapes.set(name, dims);
    const range = { location: 'x', offset: 0, length: 0 };
    return { name, dims, dataType: FLOAT, raw: null, range, encoded: null };
  };
  tinyVaeDecoder({}, { weight: collect, type: FLOAT, splitsGelu: false });
  const entries = [...shapes].map(([name, shape]): [string, Entry] => {
    const values = weight(name, shape);
    return [name, { dtype: 'F32', shape, bytes: new Uint8Array(new Float32Array(values).buffer) }];
  });
  const base = await open(wholeFile('sd1', 'F16'));
  const files = await withVae(base, named(safetensorsFile(new Map(entries))));
  expect(files.vaeConfig).toMatchObject({ _class_name: 'AutoencoderTiny' });
  expect(await decoded(files)).toHaveLength(4 * 128 * 128);
  await expect(withVae(base, named(partFile(small.sd1!, 'text_encoder')))).rejects.toMatchObject({
    code: 'model-invalid',
  });
  await expect(withVae(base, named(fileOf('{"no": {}}')))).rejects.toMatchObject({ code: 'model-invalid' });
});
