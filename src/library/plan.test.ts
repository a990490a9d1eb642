// Plans: what would be fetched, from listings of a local hub, and what a catalogue entry adds to them.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startHubServer, type HubServer } from '../../e2e/support/hubServer';
import { clipFolder, partFile, savedFolder, singleFile, small } from '../../fixtures/checkpoints/golden';
import { withInputs } from '../../fixtures/inpaint/inpaint';
import { loraFile } from '../../fixtures/checkpoints/lora';
import { listRepo } from './hub';
import { HUB_MODELS, type HubEntry } from '../models/hubCatalog';
import { fetchLora } from './fetchLora';
import type { FileChoice, LoraFound, Plan } from './libraryMessages';
import { makePlan } from './plan';
import { GRAPHS, standardPath } from '../models/roles';

/** Of the small Stable Diffusion 1. */
const CONTEXT = 128;
const never = new AbortController().signal;
const blank = new Uint8Array(10);
let hub: HubServer;

beforeEach(async () => {
  hub = await startHubServer();
});
afterEach(() => hub.close());

function plan(paths: readonly string[], entry: HubEntry | null) {
  return planOf(new Map(paths.map((path) => [path, blank])), entry) as Promise<Plan>;
}

async function planOf(
  files: ReadonlyMap<string, Uint8Array>,
  entry: HubEntry | null = null,
  file: string | null = null,
) {
  const repo = entry ?? { repo: 'some/model', revision: 'main' };
  hub.repos.set(repo.repo, { commit: 'c1', files });
  return makePlan(await listRepo(repo, hub.url, never), { hubUrl: hub.url, entry, file, signal: never });
}

const bytesOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer());

it.each([
  ['no model at all', ['README.md', 'data.csv'], 'It holds neither .safetensors nor ONNX files of one. Pagoda takes'],
  ['a part of an export', ['unet/model.onnx'], 'It lacks vae_decoder/model.onnx, text_encoder/model.onnx'],
  ['PyTorch files', ['unet/diffusion_pytorch_model.bin', 'model.ckpt'], 'Its weights are PyTorch files (.bin, .ckpt'],
  [
    'a part of a folder',
    ['unet/diffusion_pytorch_model.safetensors', 'unet/config.json', 'vae/diffusion_pytorch_model.safetensors'],
    'It lacks text_encoder/model.safetensors, vae/config.json',
  ],
])('refuses a repository with %s', async (_, paths, message) => {
  await expect(plan(paths, null)).rejects.toMatchObject({
    code: 'layout',
    message: expect.stringContaining(message) as string,
  });
});

describe('.safetensors', () => {
  const spare = new Map(
    [
      'unet/diffusion_pytorch_model.bin',
      'unet/diffusion_flax_model.msgpack',
      'safety_checker/model.safetensors',
      'feature_extractor/preprocessor_config.json',
      'v1-5-pruned.ckpt',
      'v1-5-pruned.safetensors',
      'README.md',
    ].map((path) => [path, blank]),
  );

  it('takes a folder’s fp16 files and nothing else, and says what they are after a look at one header', async () => {
    const fp16 = new Map([...savedFolder('fp16'), ...clipFolder()]);
    const made = (await planOf(new Map([...savedFolder('plain'), ...fp16, ...spare]))) as Plan;
    expect(made.files.map(({ path }) => path).sort()).toEqual([...fp16.keys()].sort());
    expect(made.bytes).toBe([...fp16.values()].reduce((sum, { length }) => sum + length, 0));
    expect(made.what).toBe('Stable Diffusion 1.x, f16, fp16 files');
    expect(made.graph.half).toBe(true);
    const unet = 'unet/diffusion_pytorch_model.fp16.safetensors';
    expect(hub.looks.map(({ path }) => path)).toEqual([unet]);
    // The header and what was on its way with it, not the file.
    expect(hub.looks[0]!.bytes).toBeLessThan(fp16.get(unet)!.length / 4);
  });

  it('takes all shards that an index names, or says which is missing', async () => {
    const sharded = new Map([...savedFolder('fp16-shards'), ...clipFolder()]);
    const made = (await planOf(new Map([...sharded, ...spare]))) as Plan;
    expect(made.files.map(({ path }) => path).sort()).toEqual([...sharded.keys()].sort());
    expect(made.what).toMatch(/^Stable Diffusion 1\.x, f16, fp16 files/);
    const shard = [...sharded.keys()].find((path) => /unet.*00002-of/.test(path))!;
    sharded.delete(shard);
    await expect(planOf(sharded)).rejects.toThrow(`lacks ${shard}, which its own index names`);
  });

  it('knows less where nothing can be looked into, and is as whole', async () => {
    hub.faults.push({ kind: { status: 503 }, path: /unet\/diffusion/ });
    const made = (await planOf(new Map([...savedFolder('fp16'), ...clipFolder()]))) as Plan;
    expect([made.what, made.graph.half]).toEqual([null, null]);
    expect(made.files).toHaveLength(savedFolder('fp16').size + 3);
  });

  it('offers the single files of a repository, and refuses what is no whole model before it is fetched', async () => {
    const files = new Map<string, Uint8Array>([
      ['a.safetensors', await bytesOf(singleFile(small['sd1']!))],
      ['vae.safetensors', await bytesOf(partFile(small['sd1']!, 'vae'))],
    ]);
    const choice = (await planOf(files)) as FileChoice;
    expect(choice.choices.map(({ path }) => path)).toEqual(['a.safetensors', 'vae.safetensors']);
    const made = (await planOf(files, null, 'a.safetensors')) as Plan;
    expect(made).toMatchObject({ roles: { checkpoint: 'a.safetensors' }, dir: 'some--model@c1+a.safetensors' });
    expect(made.what).toMatch(/^Stable Diffusion 1\.x, f16, \d+ MB$/);
    await expect(planOf(files, null, 'vae.safetensors')).rejects.toThrow('has no UNet and no text encoder');
    files.delete('a.safetensors');
    await expect(planOf(files)).rejects.toThrow('has no UNet and no text encoder');
  });

  it('takes a UNet alone, in a folder or one of several, where the repository has no more', async () => {
    const folder = 'unet/diffusion_pytorch_model.fp16.safetensors';
    const files = new Map([...savedFolder('fp16')].filter(([path]) => path.startsWith('unet/')));
    files.set('README.md', blank);
    const made = (await planOf(files)) as Plan;
    expect(made).toMatchObject({ roles: { unetAlone: folder }, name: 'UNet model', graph: { half: true } });
    expect(made.files.map(({ path }) => path)).toEqual([folder]);
    expect(made.what).toMatch(/^Stable Diffusion 1\.x, f16, [\d.]+ MB$/);
    expect(made.unetConfig.cross_attention_dim).toBe(CONTEXT);
    files.set('fast_4step_unet.safetensors', await bytesOf(partFile(small['lcm']!, 'unet')));
    expect(((await planOf(files)) as FileChoice).choices.map(({ path }) => path)).toEqual([
      'fast_4step_unet.safetensors',
      folder,
    ]);
    expect(await planOf(files, null, 'fast_4step_unet.safetensors')).toMatchObject({
      roles: { unetAlone: 'fast_4step_unet.safetensors' },
      name: 'UNet fast_4step_unet',
    });
    // With another part it is a damaged folder, and in several files it is not taken.
    files.delete('fast_4step_unet.safetensors');
    const withVae = new Map([...files, ...[...savedFolder('fp16')].filter(([path]) => path.startsWith('vae/'))]);
    await expect(planOf(withVae)).rejects.toThrow('It lacks text_encoder/model.safetensors');
    const shards = new Map([...savedFolder('fp16-shards')].filter(([path]) => path.startsWith('unet/')));
    await expect(planOf(shards)).rejects.toThrow('It holds a UNet alone in several files');
  });

  it('tells a LoRA, by the repository’s name where the file has diffusers’ own, and fetches it whole', async () => {
    const lora = await bytesOf(loraFile('peft', 'F16'));
    const files = new Map<string, Uint8Array>([
      ['pytorch_lora_weights.safetensors', lora],
      ['README.md', blank],
    ]);
    const found = (await planOf(files)) as LoraFound;
    expect(found).toMatchObject({ kind: 'lora', name: 'model', what: 'rank 3, UNet and text encoder' });
    const file = await fetchLora(found, never);
    expect([file.name, await bytesOf(file)]).toEqual(['model.safetensors', lora]);
    const hash = { kind: 'sha256', hex: '0' } as const;
    await expect(fetchLora({ ...found, file: { ...found.file, hash } }, never)).rejects.toMatchObject({
      code: 'corrupt',
    });
    await expect(fetchLora({ ...found, commit: 'c0' }, never)).rejects.toMatchObject({ code: 'not-found' });
    // One of several, by its own name.
    files.set('ink.safetensors', await bytesOf(loraFile('old')));
    expect(((await planOf(files)) as FileChoice).choices).toHaveLength(2);
    expect(await planOf(files, null, 'ink.safetensors')).toMatchObject({ kind: 'lora', name: 'ink' });
  });

  it('refuses a model for another task by its UNet', async () => {
    const files = new Map([...savedFolder('plain'), ...clipFolder()]);
    const config = JSON.parse(new TextDecoder().decode(files.get('unet/config.json'))) as object;
    files.set('unet/config.json', new TextEncoder().encode(JSON.stringify({ ...config, in_channels: 8 })));
    files.set(
      'unet/diffusion_pytorch_model.safetensors',
      await bytesOf(partFile(withInputs(small['sd1']!, 8), 'unet')),
    );
    await expect(planOf(files)).rejects.toThrow('is a model for changing pictures');
  });
});

it.each(HUB_MODELS.filter((entry) => entry.configs))('$name: bare graphs become a whole model', async (entry) => {
  hub.repos.set('Xenova/clip-vit-base-patch16', {
    commit: 'c2',
    files: new Map([
      ['tokenizer.json', blank],
      ['tokenizer_config.json', blank],
      ['onnx/model.onnx', blank],
    ]),
  });
  const graphs = GRAPHS.flatMap((role) => entry.roles?.[role] ?? (role === 'textEncoder2' ? [] : standardPath(role)));
  const words = entry.tokenizerFrom ? [] : ['tokenizer/vocab.json', 'tokenizer/merges.txt'];
  const { files, roles, unetConfig, bytes } = await plan(
    [...graphs, ...words, 'README.md', 'LICENSE', '.gitattributes'],
    entry,
  );
  expect(files).toHaveLength(Object.values(roles).length);
  expect(new Set(files.map((file) => file.path)).size).toBe(files.length);
  expect(Object.values(roles).every((path) => files.some((file) => file.path === path))).toBe(true);
  const clip = { repo: 'Xenova/clip-vit-base-patch16', commit: 'c2', path: 'tokenizer.json' };
  const sources = [roles.tokenizer, roles.tokenizer2].flatMap(
    (path) => files.find((file) => file.path === path)?.source ?? [],
  );
  expect(sources).toEqual(entry.tokenizerFrom ? graphs.slice(0, -2).map(() => clip) : []);
  expect(unetConfig).toEqual(entry.configs?.unetConfig);
  expect(bytes).toBe(files.reduce((sum, file) => sum + file.size, 0));
});
