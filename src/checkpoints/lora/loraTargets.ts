// What a LoRA can change in a model, under all the names that trainers have for it. Underscores in place of dots make
// names ambiguous, so that none is taken apart: all names of the model's own weights are written down, and looked up.

import { ldmUnetName } from '../unetNames';

export type LoraNetwork = 'unet' | 'text' | 'text2';

export interface LoraTarget {
  readonly network: LoraNetwork;
  /** diffusers' name of the weight. */
  readonly parameter: string;
  /** [out, in], or [out, in, height, width] of a convolution. */
  readonly shape: readonly number[];
}

/** By name of the module. */
export type LoraTargets = ReadonlyMap<string, LoraTarget>;

/** The weights of one network, by diffusers' names. */
type Weights = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** The networks of a model; of SDXL two text encoders. */
export interface LoraModel {
  readonly unet: Weights;
  readonly texts: readonly Weights[];
}

export function loraTargets({ unet, texts }: LoraModel): LoraTargets {
  const targets = new Map<string, LoraTarget>();
  const add = (network: LoraNetwork, weights: Weights, names: (module: string) => readonly string[]) => {
    for (const [parameter, { shape }] of weights) {
      if (!parameter.endsWith('.weight') || shape.length < 2 || parameter.includes('_embedding.weight')) continue;
      for (const name of names(parameter.slice(0, -'.weight'.length)))
        if (!targets.has(name)) targets.set(name, { network, parameter, shape });
    }
  };
  const ldm = ldmUnetName(unet);
  add('unet', unet, (module) => unetModule(module, ldm(module)));
  texts.forEach((weights, at) =>
    add(at === 0 ? 'text' : 'text2', weights, (module) => textModule(module, at, texts.length)),
  );
  return targets;
}

function unetModule(module: string, ldm: string | null): string[] {
  const own = [module, ...(ldm === null ? [] : [ldm])];
  // diffusers' attention processors had no modules for the dropout behind to_out.
  const old = module.endsWith('.to_out.0') ? [module, module.slice(0, -2)] : [module];
  return [
    ...own.flatMap((name) => [`lora_unet_${underscored(name)}`, `lycoris_${underscored(name)}`]),
    ...old.flatMap((name) => [`unet.${name}`, name]),
    ...['base_model.model.', 'base_model.model.unet.'].map((start) => start + module),
    ...own.flatMap((name) => [`diffusion_model.${name}`, `model.diffusion_model.${name}`]),
  ];
}

/** Where ComfyUI has the text encoders, by their place in a model. */
const COMFY = ['clip_l', 'clip_g'] as const;
const OLD_ATTENTION: readonly [now: string, old: string][] = [
  ['q_proj', 'to_q'],
  ['k_proj', 'to_k'],
  ['v_proj', 'to_v'],
  ['out_proj', 'to_out'],
];

function textModule(module: string, at: number, count: number): string[] {
  const [now, old] = OLD_ATTENTION.find(([name]) => module.endsWith(`.${name}`)) ?? ['', ''];
  const spelled = old === '' ? [module] : [module, module.slice(0, -now.length) + old];
  // transformers' own have the inner names alone since version 5.
  const inner = spelled.map((name) => name.replace(/^text_model\./, ''));
  const folder = at === 0 ? 'text_encoder' : 'text_encoder_2';
  const comfy = count === 1 ? ['clip_l', 'clip_h'] : [COMFY[at] ?? ''];
  return [
    // With one encoder and with two the first may be without a number.
    ...(at === 0 ? ['lora_te_', 'lora_te1_'] : ['lora_te2_']).map((start) => start + underscored(module)),
    ...[...spelled, ...inner].map((name) => `${folder}.${name}`),
    ...comfy.map((clip) => `text_encoders.${clip}.transformer.${module}`),
    ...(count === 1 ? [module, `base_model.model.${module}`] : []),
  ];
}

function underscored(name: string): string {
  return name.replaceAll('.', '_');
}
