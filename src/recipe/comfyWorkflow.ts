// A recipe as ComfyUI's API workflow: node id → class and inputs; an input is a value or a [node id, output] link.
// Plain PAG at the mid block is ComfyUI's own node; all else needs the advanced one (sd-perturbed-attention). Its
// `unet_block_list` counts blocks as `comfyName` does. What neither can do is said in `warnings`.

import { advancedPag, isMidBlock } from './advancedPag';
import { changedWarnings } from './changedOnTheWay';
import { keptNodes, latentNodes, startWarnings } from './comfyStart';
import { comfyDenoise } from './strengths';
import { stepsRun } from '../diffusion/runPlan';
import type { Recipe } from './recipe';
import { chooseSigmas } from '../diffusion/sigmas';
import { SIGMAS } from '../diffusion/options';
import { SCHEDULERS, configAsSet } from '../diffusion/schedulers';
import { splitAtNames } from '../models/embeddingWords';
import { wordsOf } from './loraTags';
import { isSchedule, runLevels, type ScheduleElsewhere } from './schedules';
import { isA1111 } from '../prompt/pieces';
import { hasBreaks, hasWeights, promptForComfy } from './weighedText';

export type ComfyInput = string | number | boolean | readonly [node: string, output: number];
export type ComfyWorkflow = Readonly<
  Record<string, { readonly class_type: string; readonly inputs: Readonly<Record<string, ComfyInput>> }>
>;

export interface ComfyExport {
  readonly workflow: ComfyWorkflow;
  readonly warnings: readonly string[];
}

/** @param checkpoint the file name that ComfyUI lists for the model. */
export function recipeToComfyWorkflow(recipe: Recipe, checkpoint: string): ComfyExport {
  const { settings } = recipe;
  const warnings: string[] = [];
  const names = SCHEDULERS[settings.scheduler];
  if (names.comfy === null) warnings.push(`KSampler has no ${settings.scheduler}; the workflow says euler.`);
  if (recipe.guidanceEmbedded)
    warnings.push(
      'The CFG scale was an input of this model’s UNet: KSampler guides with it instead, with a prediction of its own.',
    );
  const { vae: another, tinyVae, unet } = recipe.model;
  if (unet !== undefined)
    warnings.push('The UNet is named by its file: put it into ComfyUI’s models/diffusion_models.');
  if (recipe.embeddings)
    warnings.push('Embeddings are named by their files: put these into ComfyUI’s models/embeddings.');
  warnings.push(...startWarnings(recipe), ...readingWarnings(recipe), ...changedWarnings(settings, 'ComfyUI'));
  if (settings.noiseSource === 'gpu')
    warnings.push('ComfyUI draws its noise on the CPU, this run drew it as a GPU does: the picture is another one.');
  else if (names.comfy !== null && names.drawsNoise)
    warnings.push(
      'ComfyUI draws the noise of the steps from a second generator: the picture begins alike and becomes another one.',
    );
  const loras = loraNodes(recipe, warnings);
  const sampling = modelSampling(recipe, loras.model);
  const model: ComfyInput = sampling ? ['9', 0] : loras.model;
  const pagNode = settings.pagScale > 0 ? pag(recipe, model, warnings) : null;
  const skips = settings.clipSkip > 1;
  // For the prompt alone, as in diffusers, where words are plain; else for both.
  const clip: ComfyInput = skips ? ['12', 0] : loras.clip;
  if (another !== undefined && tinyVae) warnings.push(TAESD);
  const vae: ComfyInput = another === undefined ? ['1', 2] : ['13', 0];
  const kept = keptNodes(recipe);
  const workflow: ComfyWorkflow = {
    '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: checkpoint } },
    '2': { class_type: 'CLIPTextEncode', inputs: { text: textOf(recipe, wordsOf(settings.prompt)), clip } },
    '3': {
      class_type: 'CLIPTextEncode',
      inputs: {
        text: textOf(recipe, settings.negativePrompt),
        clip: settings.emphasis === 'plain' ? loras.clip : clip,
      },
    },
    ...latentNodes(recipe, vae),
    ...loras.nodes,
    ...(sampling && { '9': sampling }),
    ...(skips && { '12': setLastLayer(recipe, loras.clip) }),
    ...(unet !== undefined && {
      '14': { class_type: 'UNETLoader', inputs: { unet_name: `${unet}.safetensors`, weight_dtype: 'default' } },
    }),
    ...(another !== undefined && { '13': { class_type: 'VAELoader', inputs: { vae_name: vaeName(recipe, another) } } }),
    ...(pagNode && { '5': pagNode }),
    ...samplerNodes(recipe, pagNode ? ['5', 0] : model, warnings),
    '7': { class_type: 'VAEDecode', inputs: { samples: ['6', 0], vae } },
    ...kept.nodes,
    '8': { class_type: 'SaveImage', inputs: { images: [kept.image, 0], filename_prefix: 'pagoda' } },
  };
  return { workflow, warnings };
}

/** Where ComfyUI reads the same words otherwise. */
function readingWarnings({ settings, chunks = 1, isCut = false }: Recipe): readonly string[] {
  const { emphasis, prompt, negativePrompt } = settings;
  const prompts = [prompt, negativePrompt];
  if (isCut)
    return ['ComfyUI reads the end of the prompt too, which was too long for this run: the picture is another one.'];
  if (!isA1111(emphasis)) return [];
  return [
    ...(prompts.some((text) => hasWeights(text, emphasis))
      ? ['ComfyUI weighs by another formula than A1111, as this run did: the picture is a little different.']
      : []),
    ...(prompts.some((text) => hasBreaks(text, emphasis)) ? ['ComfyUI has no BREAK: it is left out.'] : []),
    ...(chunks > 1
      ? ['ComfyUI ends the chunks of long prompts elsewhere than A1111, as this run did: the picture is another one.']
      : []),
  ];
}

/** ComfyUI has no names of files for TAESD. */
function vaeName({ sdxl, model }: Recipe, file: string): string {
  if (!model.tinyVae) return `${file}.safetensors`;
  return sdxl ? 'taesdxl' : 'taesd';
}

const TAESD =
  'The VAE is a tiny one (TAESD), which ComfyUI takes from two files of its own in models/vae_approx, by their name.';

/** `embedding:` and the file's name, which a blank must stand before: what stands there is not read with it. */
function textOf({ embeddings = [], settings: { emphasis } }: Recipe, prompt: string): string {
  const parts = splitAtNames(promptForComfy(prompt, emphasis), embeddings);
  return parts
    .map((part, at) => {
      if (typeof part === 'string') return part;
      const before = parts[at - 1];
      const blank = at > 0 && !(typeof before === 'string' && /(^|\s)$/.test(before)) ? ' ' : '';
      const behind = parts[at + 1];
      const apart = typeof behind === 'string' && /^[^\s,]/.test(behind) ? ' ' : '';
      return `${blank}embedding:${part.name}${apart}`;
    })
    .join('');
}

/** ComfyUI counts from −1 for the last layer, whichever of them the model usually reads. */
function setLastLayer({ settings: { clipSkip }, readsPenultimate }: Recipe, clip: ComfyInput): ComfyWorkflow[string] {
  const stop_at_clip_layer = -clipSkip - (readsPenultimate ? 1 : 0);
  return { class_type: 'CLIPSetLastLayer', inputs: { clip, stop_at_clip_layer } };
}

/**
 * What the sampler must know of the model beyond its file: LCM's own scalings, a schedule that ends in pure noise, and
 * what the visitor said of it.
 */
function modelSampling({ settings, scheduler }: Recipe, model: ComfyInput): ComfyWorkflow[string] | null {
  const { prediction, terminalSnr } = settings;
  const config = configAsSet(scheduler ?? {}, settings);
  const zsnr = config.rescale_betas_zero_snr === true;
  const isSet = prediction !== 'model' || terminalSnr !== 'model';
  const predicts = config.prediction_type === 'v_prediction' ? 'v_prediction' : 'eps';
  const kind = settings.scheduler === 'lcm' ? 'lcm' : zsnr || isSet ? predicts : null;
  return kind && { class_type: 'ModelSamplingDiscrete', inputs: { model, sampling: kind, zsnr } };
}

/** One behind the other; and what the last of them gives, or the loaders where there is none. */
function loraNodes(
  { loras = [], model: { unet } }: Recipe,
  warnings: string[],
): { readonly nodes: ComfyWorkflow; readonly model: ComfyInput; readonly clip: ComfyInput } {
  if (loras.length > 0) warnings.push('LoRA are named by their files: put these into ComfyUI’s models/loras.');
  const id = (at: number) => `${20 + at}`;
  const modelOf = (at: number): ComfyInput => [at < 0 ? (unet === undefined ? '1' : '14') : id(at), 0];
  const clipOf = (at: number): ComfyInput => [at < 0 ? '1' : id(at), 1];
  const nodes = loras.map(({ name, weight }, at) => [
    id(at),
    {
      class_type: 'LoraLoader',
      inputs: {
        model: modelOf(at - 1),
        clip: clipOf(at - 1),
        lora_name: `${name}.safetensors`,
        strength_model: weight,
        strength_clip: weight,
      },
    } as const,
  ]);
  const last = loras.length - 1;
  return { nodes: Object.fromEntries(nodes) as ComfyWorkflow, model: modelOf(last), clip: clipOf(last) };
}

/**
 * KSampler's schedules by name; ComfyUI's beta is the distribution over timesteps, which A1111's and diffusers' is not.
 */
const SCHEDULES: Readonly<Partial<Record<ScheduleElsewhere, string>>> = {
  uniform: 'normal',
  simple: 'simple',
  ddim: 'ddim_uniform',
  'sgm-uniform': 'sgm_uniform',
  karras: 'karras',
  exponential: 'exponential',
  'comfy-beta': 'beta',
};

/**
 * KSampler, where one of its schedules is the run's;
 * else the nodes that make the run's noise levels, where there are any.
 */
function samplerNodes(recipe: Recipe, model: ComfyInput, warnings: string[]): ComfyWorkflow {
  const {
    settings: { scheduler, sigmas, spacing, steps, strength, seed, guidanceScale },
    start,
  } = recipe;
  const run = start === undefined ? steps : stepsRun(steps, { strength });
  const sampler_name = SCHEDULERS[scheduler].comfy ?? 'euler';
  const inputs = { model, cfg: guidanceScale, positive: ['2', 0], negative: ['3', 0], latent_image: ['4', 0] } as const;
  const named = (name: string): ComfyWorkflow => ({
    '6': {
      class_type: 'KSampler',
      inputs: { ...inputs, seed, steps: run, sampler_name, scheduler: name, denoise: comfyDenoise(run, steps) },
    },
  });
  const custom = (node: ComfyWorkflow[string]): ComfyWorkflow => ({
    '10': { class_type: 'KSamplerSelect', inputs: { sampler_name } },
    '11': node,
    // Of a start image the last steps; ComfyUI gives both parts.
    ...(run < steps && { '19': { class_type: 'SplitSigmas', inputs: { sigmas: ['11', 0], step: steps - run } } }),
    '6': {
      class_type: 'SamplerCustom',
      inputs: {
        ...inputs,
        add_noise: true,
        noise_seed: seed,
        sampler: ['10', 0],
        sigmas: run < steps ? ['19', 1] : ['11', 0],
      },
    },
  });
  // The distilled schedule has 50 steps, of which diffusers and ComfyUI's simple take the same.
  if (scheduler === 'lcm') return named('simple');
  const spread = chooseSigmas(sigmas, recipe.scheduler ?? {});
  const own = SIGMAS[spread ?? 'model'].comfy;
  const levels = runLevels(recipe);
  if (!levels) {
    if (spacing !== 'model') warnings.push(`KSampler has no timestep spacing; ${spacing} is left out.`);
    if (spread === 'beta') warnings.push(BETA);
    return named(own);
  }
  const found = Object.entries(SCHEDULES)
    .filter(([key]) => isSchedule(key as ScheduleElsewhere, levels))
    .map(([, name]) => name);
  if (found.length > 0) return named(found.includes(own) ? own : found[0]!);
  const [first, last] = [levels.run[0]!, levels.run.at(-1) as number];
  if (spread === 'karras')
    return custom({ class_type: 'KarrasScheduler', inputs: { steps, sigma_max: first, sigma_min: last, rho: 7 } });
  if (spread === 'exponential')
    return custom({ class_type: 'ExponentialScheduler', inputs: { steps, sigma_max: first, sigma_min: last } });
  if (spacing === 'turbo' && spread === null)
    return custom({ class_type: 'SDTurboScheduler', inputs: { model, steps, denoise: 1 } });
  warnings.push(
    spread === 'beta' ? BETA : `No schedule of ComfyUI has the noise levels of this run; ${own} comes near.`,
  );
  return named(own);
}

const BETA =
  'ComfyUI’s beta spreads timesteps, where this run spread σ: its noise levels are others, and so is the picture.';

function pag(recipe: Recipe, model: ComfyInput, warnings: string[]): ComfyWorkflow[string] {
  const { parameters, lost } = advancedPag(recipe);
  warnings.push(...lost);
  const { settings } = recipe;
  const isPlain =
    parameters.adaptive_scale === 0 && settings.pag.window.semantics !== 'sigma' && settings.pag.rescale.mode === 'off';
  return isPlain && isMidBlock(recipe)
    ? { class_type: 'PerturbedAttentionGuidance', inputs: { model, scale: parameters.scale } }
    : { class_type: 'PerturbedAttention', inputs: { model, ...parameters } };
}
