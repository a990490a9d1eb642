// One network of a folder in diffusers' layout: its weights in one .safetensors file, or in several with an index, held
// to the config.json beside them.

import { CLIP_NETWORK, SHARD_INDEX_LIMIT, UNET_NETWORK, VAE_NETWORK } from '../configs/networkConfigs';
import { parseJson, readText } from '../configs/readJson';
import { EngineError } from '../protocol/errors';
import { identify, type Checkpoint, type Configs } from './identify';
import { readHeader, type SafetensorsHeader } from './safetensors';
import { joinShards, shardsOf } from './shards';

/** A file's beginning, with its header in it, and the bytes of the whole file. */
export interface Head {
  readonly head: Blob;
  readonly size: number;
}

/** `path` from the model's folder. */
export type OpenHead = (path: string) => Promise<Head>;

export interface NetworkPaths {
  readonly kind: 'unet' | 'vae' | 'text';
  /** The .safetensors file, or the index of several. */
  readonly weights: string;
  /** config.json: where it is and what it says. */
  readonly config: { readonly path: string; readonly json: string };
}

export interface NetworkFile {
  /** Of this network alone; its sources name their files by path from the model's folder. */
  readonly checkpoint: Checkpoint;
  /** Paths of the files with weights in them; an index is none. */
  readonly files: readonly string[];
}

/**
 * Reads headers alone.
 * @throws EngineError `model-invalid` that names the file and what is wrong with it, or what `open` throws.
 */
export async function readNetwork(paths: NetworkPaths, open: OpenHead): Promise<NetworkFile> {
  const { kind, weights } = paths;
  try {
    const files = await weightFiles(weights, open);
    const header = await headerOf(weights, files, open);
    const checkpoint = identify(header, configOf(paths));
    const found = { unet: checkpoint.unet, vae: checkpoint.vae, text: checkpoint.textEncoders[0] }[kind];
    if (!found) {
      const part = { unet: 'UNet', vae: 'VAE', text: 'text encoder' }[kind];
      throw new EngineError('model-invalid', `There is no ${part} in it. Choose another model.`, checkpoint.name);
    }
    return { checkpoint, files };
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'model-invalid') throw error;
    throw new EngineError(error.code, `${weights}: ${error.message}`, error.detail, { cause: error });
  }
}

/** The files of a network that an index may name, by path from the model's folder. */
export async function weightFiles(weights: string, open: OpenHead): Promise<readonly string[]> {
  if (!weights.endsWith('.json')) return [weights];
  return shardsOf(weights, await indexText(weights, open)).map((file) => folderOf(weights) + file);
}

async function headerOf(weights: string, files: readonly string[], open: OpenHead): Promise<SafetensorsHeader> {
  const headers = await Promise.all(
    files.map(async (file) => {
      const { head, size } = await open(file);
      return [file.slice(folderOf(file).length), await readHeader(head, size)] as const;
    }),
  );
  const [first] = headers;
  const joined =
    first && !weights.endsWith('.json')
      ? first[1]
      : joinShards(weights, await indexText(weights, open), new Map(headers));
  const placed = [...joined.tensors].map(
    ([key, tensor]) => [key, { ...tensor, shard: folderOf(weights) + (tensor.shard ?? first?.[0] ?? '') }] as const,
  );
  return { ...joined, tensors: new Map(placed) };
}

async function indexText(weights: string, open: OpenHead): Promise<string> {
  return readText(weights, (await open(weights)).head, SHARD_INDEX_LIMIT);
}

function configOf({ kind, config }: NetworkPaths): Configs {
  const { path, json } = config;
  switch (kind) {
    case 'unet':
      return { unet: parseJson(UNET_NETWORK, path, json) };
    case 'vae':
      return { vae: parseJson(VAE_NETWORK, path, json) };
    case 'text':
      return { text: parseJson(CLIP_NETWORK, path, json) };
  }
}

/** Ends in `/`, or is ''. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
