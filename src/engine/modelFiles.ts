// The files of a model, by role. Small ones are read, graphs stay Blobs: what becomes of their weights is decided
// segment by segment. Where they lie (a URL, the model store, a folder on disk) ends here.

import { loraTargets, type LoraTargets } from '../checkpoints/lora/loraTargets';
import type { Sources } from '../checkpoints/tensorSources';
import type { WeightSource } from '../checkpoints/networks/graphBuilder';
import { CONFIG_LIMIT, VOCABULARY_LIMIT, absent, readJson, readText, type Schema } from '../configs/readJson';
import {
  MODEL_INDEX,
  SCHEDULER,
  TEXT_ENCODER,
  TOKENIZER_CONFIG,
  UNET,
  VAE,
  VOCAB,
  type ModelIndex,
  type TextConfig,
  type TokenizerConfig,
  type UnetConfig,
  type VaeConfig,
} from '../configs/schemas';
import { TOKENIZER } from '../configs/tokenizerJson';
import type { SchedulerConfig } from '../diffusion/types';
import { fetchFile } from '../loading/fetchFile';
import { LoadError } from '../loading/loadError';
import { openStored } from '../library/opfs';
import {
  CONFIGS,
  KINDS,
  findRoles,
  missingRoles,
  standardPath,
  standardRoles,
  type Graph,
  type Role,
  type RolePaths,
} from '../models/roles';
import { isWeights } from '../models/weightFiles';
import { EngineError } from '../protocol/errors';
import type { DeviceTraits } from '../onnx/passes/runnable';
import type { Model } from '../onnx/file/model';
import type { FileModelRef, ModelRef } from '../protocol/modelRefs';
import { clipTokenizerJson } from '../text/clipFiles';
import type { Backend } from './backend';
import type { LoadTally } from './loadTally';
import { folderGraph } from './networkGraphs';

/**
 * A graph that is built for a device, of weights that lie in a file of the model.
 * `weights` gives others in place of some of them; as they are if not given.
 */
export type BuildGraph = (
  device: DeviceTraits & Pick<Backend, 'splitsGelu'>,
  weights?: (model: WeightSource) => WeightSource,
) => Model;

/** An ONNX file, or a graph that there is no file of. */
export type GraphFile = Blob | BuildGraph;

interface Network {
  readonly graph: GraphFile;
  readonly path: string;
  /** Where the weights of a graph that is built lie. */
  readonly sources?: Sources;
  /** Of a VAE that is built: null where it has none. */
  readonly encoder?: BuildGraph | null;
}

/** The encoder of a VAE, with the VAE's `config.json`. */
export interface EncoderFiles {
  /** null where it is a file of the model at `path`, which is not opened before a run begins from an image. */
  readonly graph: GraphFile | null;
  readonly path: string;
  readonly config: VaeConfig;
}

/** A text encoder with its own tokenizer. */
export interface TextFiles {
  readonly graph: GraphFile;
  readonly tokenizer: object;
  readonly tokenizerConfig: TokenizerConfig;
  /** The encoder's `config.json`; empty where there is none. */
  readonly config: TextConfig;
}

export interface ModelFiles {
  readonly scheduler: SchedulerConfig;
  readonly tokenizer: object;
  readonly tokenizerConfig: TokenizerConfig;
  readonly unetConfig: UnetConfig;
  readonly vaeConfig: VaeConfig;
  readonly textEncoder: GraphFile;
  readonly unet: GraphFile;
  readonly vaeDecoder: GraphFile;
  /** null where the model has none: it starts from no image then. */
  readonly vaeEncoder: EncoderFiles | null;
  /** `text_encoder/config.json`; empty where there is none. */
  readonly textEncoderConfig: TextConfig;
  /** SDXL's second text encoder; null for models with one. */
  readonly second: TextFiles | null;
  /** `model_index.json`; empty where there is none. */
  readonly modelIndex: ModelIndex;
  /** Where the graphs are: names for errors, and the folders that external weights are relative to. */
  readonly paths: RolePaths;
  /** What a LoRA can change; absent where the names of weights do not tell. */
  readonly loraTargets?: () => LoraTargets;
  /** Any other file of the model, by path: the external weights that a graph names. Throws `model-missing`. */
  readonly open: OpenFile;
}

/** What a load that can be cancelled and that is watched gives along. */
export interface Watched {
  readonly signal: AbortSignal;
  readonly tally: LoadTally;
}

/**
 * Opens one file of a model; `path` is relative to its folder.
 * Throws EngineError `model-missing`, or the reason of the signal.
 */
export type OpenFile = (path: string, load?: Watched) => Promise<Blob>;

/** `paths` is null for a folder that cannot be listed: the standard layout is taken. */
export interface ModelSource {
  readonly open: OpenFile;
  readonly paths: RolePaths | null;
}

/** @throws EngineError `model-missing` or `model-invalid`. */
export async function openSource(ref: Exclude<ModelRef, FileModelRef>): Promise<ModelSource> {
  switch (ref.kind) {
    case 'url':
      return {
        open: fetchFrom(ref.baseUrl),
        paths: ref.encoder === null ? null : { ...standardRoles(1), vaeEncoder: ref.encoder },
      };
    case 'opfs': {
      const { open, roles } = await openStored(ref.dir);
      return { open, paths: roles };
    }
    case 'folder': {
      const paths = findRoles([...ref.files.keys()]);
      const missing = missingRoles(paths);
      if (missing.length > 0)
        throw new EngineError(
          'model-invalid',
          `This folder lacks ${missing.join(', ')}. Choose the folder that holds unet/, or another model.`,
          [...ref.files.keys()].slice(0, 100).join('\n'),
        );
      return { open: fromFolder(ref.files), paths };
    }
  }
}

/**
 * @throws EngineError `model-missing`, or `model-invalid` that names the file and the field;
 * or the reason of the signal.
 */
export async function readModelFiles(
  openFile: OpenFile,
  paths: RolePaths | null = null,
  load?: Watched,
): Promise<ModelFiles> {
  const open = (path: string) => {
    load?.signal.throwIfAborted();
    return openFile(path, load);
  };
  const json = async <T>(schema: Schema<T>, path: string, limit?: number) =>
    readJson(schema, path, await open(path), limit);
  const index =
    paths && !paths.modelIndex ? {} : await json(MODEL_INDEX, paths?.modelIndex ?? standardPath('modelIndex'));
  const at = paths ?? standardRoles('text_encoder_2' in index ? 2 : 1);
  /** An absent file is an empty config. */
  const optional = async <T>(schema: Schema<T>, role: Role): Promise<T> =>
    at[role] ? json(schema, at[role]) : absent(schema);
  const tokenizer = async (whole: Role, vocab: Role, merges: Role, config: Role, special: Role) => {
    const tokenizerConfig = {
      ...(await optional(TOKENIZER_CONFIG, special)),
      ...(await optional(TOKENIZER_CONFIG, config)),
    };
    if (at[whole]) return { tokenizer: await json(TOKENIZER, at[whole], VOCABULARY_LIMIT), tokenizerConfig };
    const vocabulary = await json(VOCAB, required(at, vocab), VOCABULARY_LIMIT);
    const lines = await readText(required(at, merges), await open(required(at, merges)), VOCABULARY_LIMIT);
    return { tokenizer: clipTokenizerJson(vocabulary, lines, tokenizerConfig), tokenizerConfig };
  };
  const network = async (role: Graph): Promise<Network> => {
    const weights = required(at, role);
    if (!isWeights(weights)) return { graph: await open(weights), path: weights };
    const path = required(at, CONFIGS[role]);
    const config = { path, json: await readText(path, await open(path), CONFIG_LIMIT) };
    // The weights of a graph that is built name their files from the model's folder, so it lies in none.
    return { ...(await folderGraph({ kind: KINDS[role], weights, config }, open)), path: weights.split('/')[0]! };
  };
  const textEncoder = await network('textEncoder');
  const textEncoder2 = at.textEncoder2 ? await network('textEncoder2') : null;
  const second = textEncoder2
    ? {
        graph: textEncoder2.graph,
        ...(await tokenizer('tokenizer2', 'vocab2', 'merges2', 'tokenizerConfig2', 'specialTokens2')),
        config: await optional(TEXT_ENCODER, 'textEncoderConfig2'),
      }
    : null;
  const vaeDecoder = await network('vaeDecoder');
  const vaeConfig = await optional(VAE, 'vaeConfig');
  const encoder = vaeDecoder.encoder
    ? { graph: vaeDecoder.encoder, path: vaeDecoder.path }
    : at.vaeEncoder
      ? { graph: null, path: at.vaeEncoder }
      : null;
  const unet = await network('unet');
  return {
    scheduler: await json(SCHEDULER, required(at, 'scheduler')),
    ...(await tokenizer('tokenizer', 'vocab', 'merges', 'tokenizerConfig', 'specialTokens')),
    unetConfig: await optional(UNET, 'unetConfig'),
    vaeConfig,
    textEncoderConfig: await optional(TEXT_ENCODER, 'textEncoderConfig'),
    second,
    modelIndex: index,
    textEncoder: textEncoder.graph,
    vaeDecoder: vaeDecoder.graph,
    vaeEncoder: encoder && { ...encoder, config: vaeConfig },
    unet: unet.graph,
    paths: {
      ...at,
      textEncoder: textEncoder.path,
      ...(textEncoder2 && { textEncoder2: textEncoder2.path }),
      vaeDecoder: vaeDecoder.path,
      unet: unet.path,
    },
    ...takesLoras(unet, textEncoder2 ? [textEncoder, textEncoder2] : [textEncoder]),
    open: openFile,
  };
}

/** Only weights with diffusers' names tell what a LoRA changes. */
function takesLoras({ sources: unet }: Network, encoders: readonly Network[]): Pick<ModelFiles, 'loraTargets'> {
  const texts = encoders.flatMap(({ sources }) => sources ?? []);
  if (!unet || texts.length < encoders.length) return {};
  return { loraTargets: () => loraTargets({ unet, texts }) };
}

/** The names of DOMExceptions for a file that was deleted, or changed, since it was opened. */
const GONE: ReadonlySet<string> = new Set(['NotFoundError', 'NotReadableError']);

/** Whether a file that vanished while it was read is behind an error, whatever was made of it on the way; else null. */
export function fileGone(error: unknown): EngineError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof DOMException && GONE.has(cause.name))) continue;
    return new EngineError(
      'model-missing',
      'A file of the model is gone, or has changed since it was opened. Fetch the model again, ' +
        'open its folder again, or choose another.',
      String(cause),
      { cause: error },
    );
  }
  return null;
}

function required(paths: RolePaths, role: Role): string {
  const path = paths[role];
  if (path !== undefined) return path;
  throw new EngineError('model-invalid', `The model has no ${standardPath(role)}. Choose another model.`);
}

function fromFolder(files: ReadonlyMap<string, File>): OpenFile {
  return (path) => {
    const file = files.get(path);
    if (file) return Promise.resolve(file);
    return Promise.reject(
      new EngineError('model-missing', `${path} is not in the folder. Choose the folder again.`, path),
    );
  };
}

/** Opens files below a URL. What has come is kept: a load that was cancelled goes on with the files that it lacks. */
export function fetchFrom(baseUrl: string): OpenFile {
  const whole = new Map<string, Blob>();
  return async (path, load) => {
    try {
      const file =
        whole.get(path) ??
        (await fetchFile(baseUrl + path, {
          signal: load?.signal,
          onBytes: (loaded, total) => load?.tally.count(path, loaded, total),
        }));
      whole.set(path, file);
      load?.tally.finish(path, file.size);
      return file;
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      const way =
        error.fault === 'absent'
          ? 'It is not on the server: reload the page, or choose another model.'
          : 'Check the connection and try again.';
      throw new EngineError('model-missing', `${path} of the model could not be fetched. ${way}`, error.message, {
        cause: error,
      });
    }
  };
}
