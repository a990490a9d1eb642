// Folders on disk as models: what they are said to be, and what of them is missing.

import { expect, it } from 'vitest';
import { clipFolder, savedFolder } from '../../fixtures/checkpoints/golden';
import { loraFile } from '../../fixtures/checkpoints/lora';
import { folderModel } from './folder';
import { folderLora } from './folderLora';

type Contents = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

function open(contents: Contents) {
  const files = new Map([...contents].map(([path, bytes]) => [path, new File([bytes], path.split('/').at(-1)!)]));
  return folderModel({ name: 'some', files });
}

it('says of .safetensors what they are, which files it takes, and that it looks below the folder', async () => {
  const fp16 = new Map([...savedFolder('fp16-shards'), ...clipFolder()]);
  const both = [...savedFolder('plain'), ...fp16, ['notes.txt', new Uint8Array(5)] as const];
  const { name, what, files, weights } = await open(
    new Map(both.map(([path, bytes]) => [`snapshots/1/${path}`, bytes])),
  );
  expect(name).toBe('some/snapshots/1');
  expect(what).toMatch(/^Stable Diffusion 1\.x, f16, fp16 files, \d+ MB$/);
  expect([...files.keys()].sort()).toEqual([...fp16.keys()].sort());
  expect(weights.graph.half).toBe(true);
  const plain = await open(new Map([...savedFolder('plain'), ...clipFolder()]));
  expect(plain.what).toMatch(/^Stable Diffusion 1\.x, f32, \d+ MB$/);
});

it.each([
  [
    'a shard',
    /unet\/.*00002-of/,
    /^This folder lacks unet\/.*00002-of-.*, which the model’s own list of its files names/,
  ],
  ['a network', /^vae\/.*safetensors/, /^This folder lacks vae\/diffusion_pytorch_model\.safetensors\. Choose/],
  ['a config', /^text_encoder\/config/, /^This folder lacks text_encoder\/config\.json\. Choose/],
  ['the tokenizer', /^tokenizer\//, /^This folder lacks tokenizer\/tokenizer\.json \(or vocab\.json and merges\.txt\)/],
])('names what is missing: %s', async (_, lost, message) => {
  const files = [...savedFolder('fp16-shards'), ...clipFolder()].filter(([path]) => !lost.test(path));
  await expect(open(new Map(files))).rejects.toThrow(message);
});

it('says that PyTorch’s files are there in place of weights', async () => {
  const files = [...savedFolder('plain'), ...clipFolder()].map(
    ([path, bytes]) => [path.replace('.safetensors', '.bin'), bytes] as const,
  );
  await expect(open(new Map(files))).rejects.toThrow(/lacks unet\/.* Its weights are PyTorch files \(\.bin/);
});

it.each<[string, Contents, RegExp]>([
  ['nothing', new Map(), /^This folder holds no model\. Pagoda takes models as diffusers lays them down \(unet\//],
  ['a whole model in a file', new Map([['a.safetensors', new Uint8Array(9)]]), /Open a\.safetensors in it as “Checkp/],
  [
    'a pickle',
    new Map([['a.ckpt', new Uint8Array(9)]]),
    /holds no model\. Its weights are PyTorch files .* Pagoda takes/,
  ],
])('says of a folder with %s what would be a model', async (_, contents, message) => {
  await expect(open(contents)).rejects.toThrow(message);
});

it('tells a LoRA in it, by the folder’s name where the file has diffusers’ own; of several wants one', async () => {
  const lora = new File([loraFile('peft')], 'x');
  const inFolder = (files: Readonly<Record<string, File>>) =>
    folderLora({ name: 'ink-lora', files: new Map(Object.entries(files)) });
  const readme = new File(['about'], 'README.md');
  const found = await inFolder({ 'a/pytorch_lora_weights.safetensors': lora, 'a/README.md': readme });
  expect([found?.name, found?.size]).toEqual(['ink-lora.safetensors', lora.size]);
  expect((await inFolder({ 'fur.safetensors': lora }))?.name).toBe('fur.safetensors');
  await expect(inFolder({ 'a.safetensors': lora, 'b.safetensors': lora })).rejects.toThrow('holds 2 LoRA and no model');
  expect(await inFolder({ 'README.md': readme })).toBeNull();
  expect(await inFolder({ 'a.safetensors': lora, 'b.safetensors': readme })).toBeNull();
  expect(await inFolder({ 'unet/model.safetensors': readme, 'a.safetensors': lora })).toBeNull();
});
