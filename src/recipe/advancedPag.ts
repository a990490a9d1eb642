// The parameters of sd-perturbed-attention's advanced node, which its Forge script has too (as `pag_*`). The layers
// are spelt out as a `unet_block_list`, because only that counts blocks as `comfyName` does; an empty one means the
// middle block. What PagOptions say beyond these parameters is named in `lost`.

import type { PagOptions } from '../diffusion/options';
import { comfyList } from '../onnx/sites/layers';
import type { Recipe } from './recipe';

export interface AdvancedPag {
  readonly scale: number;
  readonly adaptive_scale: number;
  readonly unet_block: 'middle';
  readonly unet_block_id: 0;
  /** Negative: no bound. */
  readonly sigma_start: number;
  readonly sigma_end: number;
  readonly rescale: number;
  readonly rescale_mode: 'full' | 'partial' | 'snf';
  readonly unet_block_list: string;
}

/** `lost` are whole sentences, for people. */
export function advancedPag(recipe: Recipe): { parameters: AdvancedPag; lost: readonly string[] } {
  const { settings, sites } = recipe;
  const { adaptive, window, rescale, attenuation, guidanceRescale, identity, siteIdentity } = settings.pag;
  const isMid = isMidBlock(recipe);
  const lost: string[] = [];
  if (adaptive.semantics === 'diffusers' && adaptive.amount > 0)
    lost.push("diffusers' adaptive scale is left out: adaptive_scale is another formula.");
  if (['guider', 'forge', 'steps'].includes(window.semantics))
    lost.push('The window in steps of the run is left out: PAG runs in every step.');
  if (attenuation > 0) lost.push('Attenuation is left out.');
  if (guidanceRescale > 0) lost.push("diffusers' guidance_rescale is left out: rescale is another formula.");
  if (identity !== 1 || Object.keys(siteIdentity).length > 0)
    lost.push('The partial perturbation is left out: it is whole.');
  if (!isMid && sites.length === 0) lost.push('The layers of this recipe are not known: PAG is at the middle block.');
  const parameters: AdvancedPag = {
    scale: settings.pagScale,
    adaptive_scale: adaptive.semantics === 'pamparamm' ? adaptive.amount : 0,
    unet_block: 'middle',
    unet_block_id: 0,
    sigma_start: window.semantics === 'sigma' ? window.start : -1,
    sigma_end: window.semantics === 'sigma' ? window.stop : -1,
    rescale: 'amount' in rescale ? rescale.amount : 0,
    rescale_mode: rescale.mode === 'off' ? 'full' : rescale.mode,
    unet_block_list: isMid ? '' : comfyList(sites),
  };
  return { parameters, lost };
}

/** The same parameters, read. */
export interface AdvancedValues {
  readonly adaptive: number;
  readonly start: number;
  readonly stop: number;
  readonly amount: number;
  readonly mode: unknown;
}

/** As PAG's options; a mode that is none of the three rescales nothing. */
export function advancedOptions({
  adaptive,
  start,
  stop,
  amount,
  mode,
}: AdvancedValues): Pick<PagOptions, 'adaptive' | 'window' | 'rescale'> {
  return {
    adaptive: { semantics: 'pamparamm', amount: adaptive },
    window: start < 0 && stop < 0 ? { semantics: 'always' } : { semantics: 'sigma', start, stop },
    rescale:
      mode === 'snf'
        ? { mode }
        : amount > 0 && (mode === 'full' || mode === 'partial')
          ? { mode, amount }
          : { mode: 'off' },
  };
}

/** Whether plain PAG nodes, which know no other place, perturb these layers. */
export function isMidBlock({ settings: { layers }, sites }: Recipe): boolean {
  return layers === 'mid' || layers === 'm0' || (sites.length === 1 && sites[0]?.comfyName === 'm0');
}
