// A recipe as A1111's infotext, which `parseInfotext` reads. PAG has the names of Forge's built-in script (`pagi_*`)
// where that can say it, else those of the advanced script (`pag_*`). What neither can say is in `warnings`.

import { advancedPag, isMidBlock } from './advancedPag';
import type { Recipe } from './recipe';
import { SAMPLERS, SIGMA_NAMES } from './samplers';

export interface InfotextExport {
  readonly text: string;
  readonly warnings: readonly string[];
}

export function recipeToInfotext(recipe: Recipe): InfotextExport {
  const { settings, size, model } = recipe;
  const warnings: string[] = [];
  const sampler = SAMPLERS[settings.scheduler].a1111;
  if (sampler === null) warnings.push(`A1111 has no sampler ${settings.scheduler}; it is left out.`);
  if (settings.spacing !== 'model') warnings.push(`A1111 has no timestep spacing; ${settings.spacing} is left out.`);
  const pairs: Record<string, string | number> = {
    Steps: settings.steps,
    ...(sampler !== null && { Sampler: sampler }),
    'Schedule type': SIGMA_NAMES[settings.sigmas].a1111,
    'CFG scale': settings.guidanceScale,
    Seed: settings.seed,
    Size: `${size.width}x${size.height}`,
    Model: model.id,
    RNG: 'CPU',
    ...(settings.pagScale > 0 && pag(recipe, warnings)),
    Version: `Pagoda ${recipe.appVersion}`,
  };
  const last = Object.entries(pairs).map(([key, value]) => `${key}: ${quote(String(value))}`).join(', ');
  const negative = settings.negativePrompt === '' ? [] : [`Negative prompt: ${settings.negativePrompt}`];
  return { text: [settings.prompt, ...negative, last].join('\n'), warnings };
}

function pag(recipe: Recipe, warnings: string[]): Record<string, string | number> {
  const { pagScale, pag: { adaptive, window, attenuation, rescale, guidanceRescale, identity, siteIdentity } } = recipe.settings;
  const isWhole = identity === 1 && Object.keys(siteIdentity).length === 0;
  const hasStepWindow = window.semantics === 'always' || window.semantics === 'forge';
  if (isMidBlock(recipe) && hasStepWindow && adaptive.amount === 0 && rescale.mode === 'off' && guidanceRescale === 0 && isWhole) {
    const [start, end] = window.semantics === 'forge' ? [window.start, window.stop] : [0, 1];
    return { pagi_enabled: 'True', pagi_scale: pagScale, pagi_attenuation: attenuation, pagi_start_step: start, pagi_end_step: end };
  }
  const { parameters, lost } = advancedPag(recipe);
  warnings.push(...lost);
  const { unet_block, unet_block_id, unet_block_list, ...same } = parameters;
  const named = Object.entries({ ...same, block: unet_block, block_id: unet_block_id, block_list: unet_block_list });
  return { pag_enabled: 'True', ...Object.fromEntries(named.map(([key, value]) => [`pag_${key}`, value])) };
}

/** In JSON's quotes where the reader would otherwise end the value too early; A1111 does the same. */
function quote(value: string): string {
  return /[,:\n]/.test(value) ? JSON.stringify(value) : value;
}
