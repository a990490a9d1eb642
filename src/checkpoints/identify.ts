// What a .safetensors file is: which parts of Stable Diffusion are in it, of which family, and where each parameter
// lies. Keys and shapes alone tell, never the file's name. A file of a diffusers folder has one part, and a
// config.json beside it that says what no shape tells.

import type { ClipNetwork, UnetNetwork, VaeNetwork } from '../configs/networkConfigs';
import { EngineError } from '../protocol/errors';
import { BASES, baseOf, familyOf, type Base, type Family } from './families';
import { findSources, fitSources, type Sources } from './tensorSources';
import { quantization } from './quantizations';
import { UNET_PREFIXES, refusal, refused, RUNS } from './refusals';
import type { Dtype, SafetensorsHeader } from './safetensors';
import { withScales } from './scaledFloat8';
import { readTextEncoders, type TextEncoderPart } from './textEncoders';
import { unetFromConfig, unetFromShapes, type UnetStructure } from './unetConfig';
import { unetNames } from './unetNames';
import { unetParameters } from './unetParameters';
import { vaeFromConfig, vaeFromShapes, vaeParameters, type VaeStructure } from './vaeConfig';
import { vaeNames } from './vaeNames';

export interface Part<Config> {
  readonly config: Config;
  /** By diffusers' name, all parameters that the config asks for and no other. */
  readonly sources: Sources;
  /** What stands before the part's keys in the file. */
  readonly prefix: string;
  /** Whose names the file has: CompVis's and OpenCLIP's, or diffusers' and transformers'. */
  readonly naming: 'ldm' | 'diffusers';
}

export type Task = 'text-to-image' | 'inpainting' | 'pix2pix';

export interface Checkpoint {
  /** null where the file has no UNet. */
  readonly family: Family | null;
  /** For people: the family and the task. */
  readonly name: string;
  readonly task: Task;
  readonly unet: Part<UnetStructure> | null;
  readonly vae: Part<VaeStructure> | null;
  /** As the family numbers them: of SDXL CLIP-L, then OpenCLIP-bigG. One that is not in the file is null. */
  readonly textEncoders: readonly (TextEncoderPart | null)[];
  /** The type of most of the UNet's bytes, or of the file's. */
  readonly dtype: Dtype;
  /** Bytes of all parts. */
  readonly bytes: number;
  /**
   * Keys that fit nothing. What is known to be of no use (training's leftovers, copies of averaged weights) is not
   * here.
   */
  readonly unknown: readonly string[];
}

/** The config.json beside a file of a diffusers folder, by what the file is. */
export interface Configs {
  readonly unet?: UnetNetwork;
  readonly vae?: VaeNetwork;
  readonly text?: ClipNetwork;
}

/** Of training and sampling; not weights of a part. */
const OF_NO_USE = [
  /^model_ema\./,
  /^(betas|global_step|logvar|lvlb_weights|scale_factor|v_pred|ztsnr)$/,
  /^(alphas_cumprod|sqrt_|log_one_minus_|posterior_)/,
  /^denoiser\./,
  /^(first_stage_model|vae)\.(loss\.|discriminator\.)/,
  /\.(logit_scale|attn_mask|position_ids)$/,
  /^(logit_scale|attn_mask|position_ids)$/,
];

/**
 * @throws EngineError `model-invalid`: what the file is instead, or which part is damaged.
 */
export function identify(read: SafetensorsHeader, configs: Configs = {}): Checkpoint {
  const keys = [...read.tensors.keys()];
  const unetPrefix = UNET_PREFIXES.find(
    (prefix) =>
      read.tensors.has(`${prefix}input_blocks.0.0.weight`) ||
      (read.tensors.has(`${prefix}conv_in.weight`) && keys.some((key) => key.startsWith(`${prefix}down_blocks.`))),
  );
  const not = refusal(keys, unetPrefix !== undefined) ?? quantization(read, configs);
  if (not) throw not;
  const header = withScales(read);
  const unet = unetPrefix === undefined ? null : readUnet(header, unetPrefix, configs.unet);
  const family = unet && familyOf(unet.base, unet.config);
  const vae = readVae(header, family?.base ?? null, configs.vae);
  const text = readTextEncoders(header, family?.base ?? null, configs.text);
  const parts = [unet, vae, ...text.parts].filter((part) => part !== null);
  if (parts.length === 0) throw nothing(header);
  const used = new Set(parts.flatMap((part) => [...part.sources.values()].map(({ tensor }) => tensor)));
  const task = unet ? taskOf(unet.config) : 'text-to-image';
  return {
    family,
    name: [
      family?.name ?? partName(vae !== null, text.parts.length),
      ...(task === 'text-to-image' ? [] : [task]),
      ...(unet && unet.config.time_cond_proj_dim !== null ? ['LCM'] : []),
    ].join(', '),
    task,
    unet: unet && { config: unet.config, sources: unet.sources, prefix: unet.prefix, naming: unet.naming },
    vae,
    textEncoders: text.parts,
    dtype: mostOf([...(unet?.sources.values() ?? [...used].map((tensor) => ({ tensor })))]),
    bytes: [...used].reduce((sum, { length }) => sum + length, 0),
    unknown: [...header.tensors]
      .filter(
        ([key, tensor]) => !used.has(tensor) && !text.ofNoUse.has(key) && !OF_NO_USE.some((rule) => rule.test(key)),
      )
      .map(([key]) => key),
  };
}

function readUnet(
  header: SafetensorsHeader,
  prefix: string,
  config?: UnetNetwork,
): Part<UnetStructure> & { base: Base } {
  const entries = behind(header, prefix);
  const names = new Set(entries.map(([, name]) => name));
  const ldm = names.has('input_blocks.0.0.weight');
  const translate = ldm ? unetNames(names) : (name: string) => name;
  const { sources } = findSources(entries, one(translate));
  const shapes = new Map([...sources].map(([name, { shape }]) => [name, shape]));
  const context = [...shapes].find(([name]) => name.endsWith('attn2.to_k.weight'))?.[1]?.[1] ?? 0;
  const linear = [...shapes].find(([name]) => name.endsWith('.proj_in.weight'))?.[1]?.length === 2;
  const added = shapes.get('add_embedding.linear_1.weight')?.[1] ?? null;
  const base = baseOf(context, linear, added !== null);
  refuseOdd(shapes, names, context, added);
  const { heads, sample_size: size, upcast_attention: upcasts = false } = BASES[base];
  const rules = {
    heads,
    addition_time_embed_dim: timeWidth(header, added),
    upcast_attention: upcasts,
    ...(size !== undefined && { sample_size: size }),
  };
  const built = config ? unetFromConfig(config) : unetFromShapes(shapes, rules);
  const fitted = fitSources(sources, unetParameters(built), 'UNet');
  return { base, config: built, sources: fitted, prefix, naming: ldm ? 'ldm' : 'diffusers' };
}

/** UNets of Stable Diffusion's kind that take other inputs, or attend otherwise. */
function refuseOdd(
  shapes: ReadonlyMap<string, readonly number[]>,
  names: ReadonlySet<string>,
  context: number,
  added: number | null,
): void {
  const inputs = shapes.get('conv_in.weight')?.[1] ?? 0;
  const odd = (what: string, key: string) => refused(`This is ${what}, ${RUNS}`, key);
  if (names.has('label_emb.weight') || names.has('class_embedding.weight') || inputs === 7)
    throw odd('the upscaler of Stable Diffusion 2', 'label_emb.weight');
  if (context === 1280 && added === 2560) throw odd('the refiner of Stable Diffusion XL', 'a context of 1280');
  if (inputs === 5) throw odd('Stable Diffusion 2 with depth', '5 input channels');
  if (added !== null && context === 1024) throw odd('Stable unCLIP', 'label_emb and a context of 1024');
  if (![4, 8, 9].includes(inputs))
    throw odd('a model with other inputs than latents and a mask', `${inputs} input channels`);
  const crossed = [...shapes].find(
    ([name, [width, read]]) => name.endsWith('.attn1.to_k.weight') && width !== read && read === context,
  );
  if (crossed) throw odd('a model whose self-attention reads the prompt', crossed[0]);
}

/** SDXL embeds six numbers of size and crop beside the pooled text of its second encoder. */
function timeWidth(header: SafetensorsHeader, added: number | null): number {
  const pooled = header.tensors.get('conditioner.embedders.1.model.text_projection')?.shape[1];
  return added !== null && pooled !== undefined && added > pooled ? Math.floor((added - pooled) / 6) : 256;
}

function taskOf({ in_channels: channels }: UnetStructure): Task {
  return channels === 9 ? 'inpainting' : channels === 8 ? 'pix2pix' : 'text-to-image';
}

/** What the names of a VAE with a decoder begin with in a file; null where there is none. */
export function vaePrefix({ tensors }: SafetensorsHeader): string | null {
  return ['first_stage_model.', 'vae.', ''].find((start) => tensors.has(`${start}decoder.conv_in.weight`)) ?? null;
}

function readVae(header: SafetensorsHeader, base: Base | null, config?: VaeNetwork): Part<VaeStructure> | null {
  const prefix = vaePrefix(header);
  if (prefix === null) return null;
  const entries = behind(header, prefix);
  const names = new Set(entries.map(([, name]) => name));
  const { sources } = findSources(entries, one(vaeNames(names)));
  const shapes = new Map([...sources].map(([name, { shape }]) => [name, shape]));
  const built = config ? vaeFromConfig(config) : vaeFromShapes(shapes, base && BASES[base].scaling);
  if (built.latent_channels !== 4)
    throw refused(`This is a VAE of another kind of model, ${RUNS}`, `${built.latent_channels} latent channels`);
  const ldm = names.has('decoder.mid.block_1.norm1.weight');
  return {
    config: built,
    sources: fitSources(sources, vaeParameters(built), 'VAE'),
    prefix,
    naming: ldm ? 'ldm' : 'diffusers',
  };
}

/** The part's tensors: their keys, and what is left of these. */
export function behind(header: SafetensorsHeader, prefix: string) {
  return [...header.tensors].flatMap(([key, tensor]) =>
    key.startsWith(prefix) ? [[key, key.slice(prefix.length), tensor] as const] : [],
  );
}

function one(translate: (name: string) => string | null) {
  return (name: string) => {
    const parameter = translate(name);
    return parameter === null ? null : { parameters: [parameter] };
  };
}

function mostOf(sources: readonly { readonly tensor: { readonly dtype: Dtype; readonly length: number } }[]): Dtype {
  const bytes = new Map<Dtype, number>();
  for (const { tensor } of sources) bytes.set(tensor.dtype, (bytes.get(tensor.dtype) ?? 0) + tensor.length);
  return [...bytes].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'F32';
}

function partName(vae: boolean, text: number): string {
  return [vae ? 'VAE' : '', text > 0 ? 'text encoder' : ''].filter((name) => name !== '').join(' and ');
}

function nothing({ tensors }: SafetensorsHeader): EngineError {
  const embedding =
    tensors.size <= 2 && [...tensors.values()].every(({ shape }) => [768, 1024, 1280].includes(shape.at(-1) ?? 0));
  if (embedding && tensors.size > 0)
    return refused(
      'A textual inversion embedding is not a whole model. Choose a model first, then add the file as ' +
        '“Embedding file”.',
      [...tensors.keys()].join(),
    );
  return new EngineError(
    'model-invalid',
    'This .safetensors file is no model that Pagoda knows. Choose a model of Stable Diffusion 1.x, 2.x or XL.',
    [...tensors.keys()].slice(0, 20).join('\n'),
  );
}
