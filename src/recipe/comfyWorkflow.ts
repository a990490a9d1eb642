// A recipe as ComfyUI's API workflow: node id → class and inputs; an input is a value or a [node id, output] link.
// Plain PAG at the mid block is ComfyUI's own node; all else needs the advanced one (sd-perturbed-attention). Its
// `unet_block_list` counts blocks as `comfyName` does. What neither can do is said in `warnings`.

import { advancedPag, isMidBlock } from './advancedPag';
import type { Recipe } from './recipe';
import { SAMPLERS, SIGMA_NAMES } from './samplers';

export type ComfyInput = string | number | readonly [node: string, output: number];
export type ComfyWorkflow = Readonly<Record<string, { readonly class_type: string; readonly inputs: Readonly<Record<string, ComfyInput>> }>>;

export interface ComfyExport {
  readonly workflow: ComfyWorkflow;
  readonly warnings: readonly string[];
}

/** @param checkpoint the file name that ComfyUI lists for the model. */
export function recipeToComfyWorkflow(recipe: Recipe, checkpoint: string): ComfyExport {
  const { settings, size } = recipe;
  const warnings: string[] = [];
  const names = SAMPLERS[settings.scheduler];
  if (names.comfy === null) warnings.push(`KSampler has no ${settings.scheduler}; the workflow says euler.`);
  if (settings.spacing !== 'model') warnings.push(`KSampler has no timestep spacing; ${settings.spacing} is left out.`);
  const pagNode = settings.pagScale > 0 ? pag(recipe, warnings) : null;
  const workflow: ComfyWorkflow = {
    '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: checkpoint } },
    '2': { class_type: 'CLIPTextEncode', inputs: { text: settings.prompt, clip: ['1', 1] } },
    '3': { class_type: 'CLIPTextEncode', inputs: { text: settings.negativePrompt, clip: ['1', 1] } },
    '4': { class_type: 'EmptyLatentImage', inputs: { width: size.width, height: size.height, batch_size: 1 } },
    ...(pagNode && { '5': pagNode }),
    '6': {
      class_type: 'KSampler',
      inputs: {
        model: [pagNode ? '5' : '1', 0], seed: settings.seed, steps: settings.steps, cfg: settings.guidanceScale,
        sampler_name: names.comfy ?? 'euler', scheduler: SIGMA_NAMES[settings.sigmas].comfy,
        positive: ['2', 0], negative: ['3', 0], latent_image: ['4', 0], denoise: 1,
      },
    },
    '7': { class_type: 'VAEDecode', inputs: { samples: ['6', 0], vae: ['1', 2] } },
    '8': { class_type: 'SaveImage', inputs: { images: ['7', 0], filename_prefix: 'pagoda' } },
  };
  return { workflow, warnings };
}

function pag(recipe: Recipe, warnings: string[]): ComfyWorkflow[string] {
  const { parameters, lost } = advancedPag(recipe);
  warnings.push(...lost);
  const { settings } = recipe;
  const isPlain = parameters.adaptive_scale === 0 && settings.pag.window.semantics !== 'sigma' && settings.pag.rescale.mode === 'off';
  return isPlain && isMidBlock(recipe)
    ? { class_type: 'PerturbedAttentionGuidance', inputs: { model: ['1', 0], scale: parameters.scale } }
    : { class_type: 'PerturbedAttention', inputs: { model: ['1', 0], ...parameters } };
}
