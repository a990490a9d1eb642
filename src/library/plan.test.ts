// Plans: what would be fetched, from listings of a local hub, and what a catalogue entry adds to them.

import { afterEach, beforeEach, expect, it } from 'vitest';
import { startHubServer, type HubServer } from '../../e2e/support/hubServer';
import { listRepo } from './hub';
import { HUB_MODELS, type HubEntry } from '../models/hubCatalog';
import { makePlan } from './plan';
import { GRAPHS, standardPath } from '../models/roles';

const never = new AbortController().signal;
const blank = new Uint8Array(10);
let hub: HubServer;

beforeEach(async () => {
  hub = await startHubServer();
});
afterEach(() => hub.close());

async function plan(paths: readonly string[], entry: HubEntry | null) {
  const repo = entry ?? { repo: 'some/model', revision: 'main' };
  hub.repos.set(repo.repo, { commit: 'c1', files: new Map(paths.map((path) => [path, blank])) });
  return makePlan(await listRepo(repo, hub.url, never), hub.url, entry, never);
}

it('refuses a repository without ONNX, and one that lacks a part', async () => {
  await expect(plan(['model.safetensors'], null)).rejects.toMatchObject({
    code: 'layout',
    message: expect.stringContaining('no ONNX') as string,
  });
  await expect(plan(['unet/model.onnx'], null)).rejects.toMatchObject({
    code: 'layout',
    message: expect.stringContaining('vae_decoder') as string,
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
