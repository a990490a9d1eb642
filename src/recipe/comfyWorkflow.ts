// A recipe as ComfyUI's API workflow: node id → class and inputs; an input is a value or a [node id, output] link.
// Plain PAG at the mid block is ComfyUI's own node; all else needs the advanced one (sd-perturbed-attention). Its
// `unet_block_list` counts blocks as `comfyName` does. What neither can do is said in `warnings`.

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

function pag({ settings, sites }: Recipe, warnings: string[]): ComfyWorkflow[string] {
  const { adaptive, window, rescale, attenuation, guidanceRescale, identity, siteIdentity } = settings.pag;
  const isMid = settings.layers === 'mid' || settings.layers === 'm0';
  const isAdaptive = adaptive.amount > 0;
  if (isAdaptive && adaptive.semantics === 'diffusers') warnings.push("diffusers' adaptive scale has no node; it is left out.");
  if (window.semantics === 'guider' || window.semantics === 'forge') warnings.push('A window in fractions of the run has no node; PAG runs in every step.');
  if (attenuation > 0) warnings.push('Attenuation has no node; it is left out.');
  if (guidanceRescale > 0) warnings.push("diffusers' guidance_rescale has no node of the same formula; it is left out.");
  if (identity !== 1 || Object.keys(siteIdentity).length > 0) warnings.push('A partial perturbation has no node; it is whole.');
  const adaptiveScale = isAdaptive && adaptive.semantics === 'pamparamm' ? adaptive.amount : 0;
  if (isMid && adaptiveScale === 0 && window.semantics !== 'sigma' && rescale.mode === 'off') {
    return { class_type: 'PerturbedAttentionGuidance', inputs: { model: ['1', 0], scale: settings.pagScale } };
  }
  if (!isMid && sites.length === 0) warnings.push('The layers of this recipe are not known; PAG is at the middle block.');
  return {
    class_type: 'PerturbedAttention',
    inputs: {
      model: ['1', 0], scale: settings.pagScale, adaptive_scale: adaptiveScale, unet_block: 'middle', unet_block_id: 0,
      sigma_start: window.semantics === 'sigma' ? window.start : -1,
      sigma_end: window.semantics === 'sigma' ? window.stop : -1,
      rescale: 'amount' in rescale ? rescale.amount : 0,
      rescale_mode: rescale.mode === 'off' ? 'full' : rescale.mode,
      unet_block_list: isMid ? '' : sites.map((site) => site.comfyName).join(','),
    },
  };
}
