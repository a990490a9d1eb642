// A LoRA file from its header alone: the modules that it changes, each a low-rank product, and what it is for. What is
// no plain product is refused by its name, since half of a change is another picture.

import { parseJson } from '../../configs/readJson';
import { LORA_ADAPTER, type LoraAdapter } from '../../configs/loraJson';
import { EngineError } from '../../protocol/errors';
import { BASES, type Base } from '../families';
import { readHeader, type SafetensorsHeader, type StoredTensor } from '../safetensors';
import { elementsOf } from '../shapes';
import { loraKey, OTHER_KINDS, type LoraPart } from './loraKeys';

/** ΔW = scale · up · down; a convolution may have its kernel between them. */
export interface LoraModule {
  readonly name: string;
  /** [rank, in] or [rank, in, height, width]. */
  readonly down: StoredTensor;
  /** [out, rank] or [out, rank, 1, 1]. */
  readonly up: StoredTensor;
  /** [rank, rank, height, width]. */
  readonly mid: StoredTensor | null;
  readonly alpha: StoredTensor | null;
  /** In the file. */
  readonly keys: readonly string[];
}

export interface LoraFile {
  readonly modules: readonly LoraModule[];
  /** Keys of no module that is whole. */
  readonly unread: readonly string[];
  /** Keys of all the file. */
  readonly keys: number;
  /** null where nothing tells. */
  readonly base: Base | null;
  /** The smallest and the largest. */
  readonly ranks: readonly [number, number];
  readonly parts: { readonly unet: boolean; readonly text: boolean };
  /** What diffusers says of the scale; empty in files of others. */
  readonly adapter: LoraAdapter;
}

/** Types of weights; alphas may be of any of them too. */
const NUMBERS: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16', 'F64', 'F8_E4M3', 'F8_E5M2']);

/** What no LoRA has: the first convolution of a network. A model may hold keys of LoRA beside it. */
const FIRST_CONVOLUTION = /(^|\.)(input_blocks\.0\.0|conv_in)\.weight$/;

/** Whether the file is a LoRA of any kind, without looking closer. */
export function holdsLora({ tensors }: SafetensorsHeader): boolean {
  const names = [...tensors.keys()];
  const changes = (name: string) =>
    ['down', 'up'].includes(loraKey(name)?.part ?? '') || OTHER_KINDS.some(([, holds]) => holds.test(name));
  return names.some(changes) && !names.some((name) => FIRST_CONVOLUTION.test(name));
}

/**
 * @param called how messages name it; as the file that was just chosen if not given.
 * @throws EngineError `lora-invalid`: what the file is instead, of what kind that Pagoda does not merge, or that it is
 * gone.
 */
export async function readLora(file: Blob, called?: string): Promise<LoraFile> {
  try {
    return loraOf(await readHeader(file));
  } catch (error) {
    if (error instanceof DOMException) throw goneLora(called ?? 'file', error);
    if (!(error instanceof EngineError)) throw error;
    throw invalidLora(called === undefined ? error.message : `The LoRA ${called}: ${error.message}`, error.detail);
  }
}

/** @throws EngineError `lora-invalid`. */
export function loraOf(header: SafetensorsHeader): LoraFile {
  const names = [...header.tensors.keys()];
  for (const [kind, holds] of OTHER_KINDS) {
    const key = names.find((name) => holds.test(name));
    if (key !== undefined)
      throw invalidLora(
        `This file is of the kind ${kind}, which Pagoda does not merge: it takes plain LoRA, with or without ` +
          'convolutions (LoCon). Choose another file.',
        `It has ${key.slice(0, 200)}.`,
      );
  }
  const found = new Map<string, Partial<Record<LoraPart, readonly [key: string, tensor: StoredTensor]>>>();
  const unread: string[] = [];
  for (const [key, tensor] of header.tensors) {
    const named = NUMBERS.has(tensor.dtype) ? loraKey(key) : null;
    const parts = named && (found.get(named.module) ?? {});
    if (!named || !parts || parts[named.part]) unread.push(key);
    else found.set(named.module, { ...parts, [named.part]: [key, tensor] });
  }
  const modules: LoraModule[] = [];
  for (const [name, { down, up, mid, alpha }] of found) {
    const all = [down, up, mid, alpha].filter((part) => part !== undefined);
    const keys = all.map(([key]) => key);
    if (!down || !up || (alpha && elementsOf(alpha[1].shape) !== 1)) unread.push(...keys);
    else modules.push({ name, down: down[1], up: up[1], mid: mid?.[1] ?? null, alpha: alpha?.[1] ?? null, keys });
  }
  if (modules.length === 0) throw noLora(header);
  const other = names.find((name) => FOREIGN.test(name));
  if (other !== undefined)
    throw invalidLora(
      'This LoRA is for another kind of model, such as Flux or Stable Diffusion 3, which Pagoda does not run. ' +
        'Choose one for Stable Diffusion 1.x, 2.x or XL.',
      `It has ${other.slice(0, 200)}.`,
    );
  const ranks = modules.map(({ down }) => down.shape[0] ?? 0);
  const ofText = (name: string) => /^(lora_te\d?_|text_encoder|text_model\.)/.test(name);
  return {
    modules,
    unread,
    keys: header.tensors.size,
    base: baseOf(modules, header.metadata),
    ranks: [ranks.reduce((a, b) => Math.min(a, b)), ranks.reduce((a, b) => Math.max(a, b))],
    parts: { unet: modules.some(({ name }) => !ofText(name)), text: modules.some(({ name }) => ofText(name)) },
    adapter: adapterOf(header.metadata),
  };
}

/** "for Stable Diffusion 1.x, rank 16, UNet and text encoder". */
export function loraText({ base, ranks: [least, most], parts }: LoraFile): string {
  return [
    ...(base === null ? [] : [`for ${BASES[base].name}`]),
    least === most ? `rank ${least}` : `ranks ${least} to ${most}`,
    [...(parts.unet ? ['UNet'] : []), ...(parts.text ? ['text encoder'] : [])].join(' and '),
  ].join(', ');
}

export function invalidLora(message: string, detail = ''): EngineError {
  return new EngineError('lora-invalid', message, detail);
}

/** A file that was deleted, or changed, since it was chosen. */
export function goneLora(called: string, cause: unknown): EngineError {
  return invalidLora(`The LoRA ${called} is gone, or has changed since it was added. Add it again.`, String(cause));
}

/** Transformers and blocks that no UNet has. */
const FOREIGN =
  /^(transformer\.|lora_transformer_|lycoris_transformer_|lora_unet_(double|single|joint)_?blocks|lora_te3_)/;

/** Widths of the text that is read, as cross-attention and the first text encoder have them. */
const CONTEXTS: ReadonlyMap<number, Base> = new Map([
  [768, 'sd1'],
  [1024, 'sd2'],
  [2048, 'sdxl'],
]);

function baseOf(modules: readonly LoraModule[], metadata: ReadonlyMap<string, string>): Base | null {
  if (modules.some(({ name }) => /^(lora_te2_|text_encoder_2\.)/.test(name))) return 'sdxl';
  const reads = (ending: RegExp) => modules.find(({ name }) => ending.test(name))?.down.shape[1] ?? NaN;
  const byUnet = CONTEXTS.get(reads(/attn2[_.]to_[kv]$/));
  if (byUnet) return byUnet;
  const stated = metadata.get('ss_base_model_version') ?? '';
  if (stated.startsWith('sdxl')) return 'sdxl';
  const byText = CONTEXTS.get(reads(/layers[_.]0[_.]self_attn[_.]\w+_proj$/));
  return byText ?? (stated.startsWith('sd_v1') ? 'sd1' : stated.startsWith('sd_v2') ? 'sd2' : null);
}

function adapterOf(metadata: ReadonlyMap<string, string>): LoraAdapter {
  const json = metadata.get('lora_adapter_metadata');
  return json === undefined ? {} : parseJson(LORA_ADAPTER, 'lora_adapter_metadata', json);
}

function noLora({ tensors }: SafetensorsHeader): EngineError {
  return invalidLora(
    'This .safetensors file is no LoRA. Choose another; a whole model is chosen as “Checkpoint file”.',
    [...tensors.keys()].slice(0, 20).join('\n'),
  );
}
