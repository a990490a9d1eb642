// A recipe as A1111's infotext, which `parseInfotext` reads. PAG has the names of Forge's built-in script (`pagi_*`)
// where that can say it, else those of the advanced script (`pag_*`). What neither can say is in `warnings`.

import { startPairs, startWarnings } from './a1111Start';
import { advancedPag, isMidBlock } from './advancedPag';
import { changedWarnings } from './changedOnTheWay';
import { isPart, type Recipe } from './recipe';
import { chooseSigmas } from '../diffusion/sigmas';
import { SIGMAS } from '../diffusion/options';
import { SCHEDULERS } from '../diffusion/schedulers';
import { loraTag, wordsOf } from './loraTags';
import { isSchedule, runLevels, type ScheduleElsewhere } from './schedules';
import { hasWeights, obeyedByA1111, promptForA1111 } from './weighedText';

export interface InfotextExport {
  readonly text: string;
  readonly warnings: readonly string[];
}

export function recipeToInfotext(recipe: Recipe): InfotextExport {
  const { settings, model } = recipe;
  const { width, height } = isPart(recipe) ? settings : recipe.size;
  const warnings: string[] = [];
  const sampler = SCHEDULERS[settings.scheduler].a1111?.name ?? null;
  if (sampler === null) warnings.push(`A1111 has no sampler ${settings.scheduler}; it is left out.`);
  if (SCHEDULERS[settings.scheduler].a1111?.brownian)
    warnings.push(
      'A1111 draws the noise of its steps from a Brownian tree, which is not here: the picture becomes another one.',
    );
  // What the model's config says stands under its own name; "Uniform" is the schedule without any.
  const sigmas = chooseSigmas(settings.sigmas, recipe.scheduler ?? {}) ?? 'model';
  warnings.push(...scheduleWarnings(recipe, SIGMAS[sigmas].a1111));
  const { emphasis } = settings;
  if (settings.clipSkip > 1 && recipe.readsPenultimate)
    warnings.push('A1111 skips no layers of this model’s text encoder: the picture is another one.');
  else if (settings.clipSkip > 1 && emphasis === 'plain')
    warnings.push('A1111 skips layers for the negative prompt too: the picture is a little different.');
  if (settings.prediction !== 'model' || settings.terminalSnr !== 'model')
    warnings.push(
      'What was said of the model (prediction, terminal SNR) is left out: A1111 reads it from a .yaml beside its file.',
    );
  if (recipe.guidanceEmbedded)
    warnings.push(
      'The CFG scale was an input of this model’s UNet: A1111 guides with it instead, with a prediction of its own.',
    );
  if (model.unet !== undefined)
    warnings.push(
      `This text names the UNet ${model.unet} as the model: that the rest was of ${model.id} it cannot say.`,
    );
  if (/^\s*Negative prompt:/m.test(settings.prompt) || /^\s*Negative prompt:/m.test(settings.negativePrompt)) {
    warnings.push(
      'A line of the prompts begins with “Negative prompt:”, ' +
        'which this text cannot say: it is read as where the negative prompt begins.',
    );
  }
  warnings.push(...changedWarnings(settings, 'A1111'));
  const words = wordsOf(settings.prompt);
  warnings.push(...obeyedByA1111(words, emphasis), ...readingWarnings(recipe), ...startWarnings(recipe));
  const { loras = [] } = recipe;
  const hashes = loras.flatMap(({ name, hash }) => (hash === null ? [] : [`${name}: ${hash}`])).join(', ');
  const pairs: Record<string, string | number> = {
    Steps: settings.steps,
    ...(sampler !== null && { Sampler: sampler }),
    'Schedule type': SIGMAS[sigmas].a1111,
    'CFG scale': settings.guidanceScale,
    Seed: settings.seed,
    Size: `${width}x${height}`,
    ...startPairs(recipe),
    Model: model.unet ?? model.id,
    // A1111 has TAESD as a setting, not among its files.
    ...(model.vae !== undefined && (model.tinyVae ? { 'VAE Decoder': 'TAESD' } : { VAE: `${model.vae}.safetensors` })),
    ...(settings.clipSkip > 1 && { 'Clip skip': settings.clipSkip }),
    // A1111 counts the places of a batch from 0; the seed is the picture's own there too.
    ...(recipe.batch && { 'Batch size': recipe.batch.size, 'Batch pos': recipe.batch.position }),
    // Without this word Pagoda's own texts are plain words, all escaped.
    ...(emphasis !== 'plain' && { Emphasis: emphasis === 'a1111-no-norm' ? 'No norm' : 'Original' }),
    RNG: settings.noiseSource === 'gpu' ? 'NV' : 'CPU',
    ...(settings.pagScale > 0 && pag(recipe, warnings)),
    ...(hashes !== '' && { 'Lora hashes': hashes }),
    Version: `Pagoda ${recipe.appVersion}`,
  };
  const last = Object.entries(pairs)
    .map(([key, value]) => `${key}: ${quote(String(value))}`)
    .join(', ');
  const negative =
    settings.negativePrompt === '' ? [] : [`Negative prompt: ${promptForA1111(settings.negativePrompt, emphasis)}`];
  // Tags are read before signs are: nothing in them is escaped.
  const tags = loras.map(({ name, weight }) => loraTag(name, weight));
  const prompt = [...(words === '' ? [] : [promptForA1111(words, emphasis)]), ...tags].join(' ');
  return { text: [prompt, ...negative, last].join('\n'), warnings };
}

/** Where A1111 reads the same words otherwise. */
function readingWarnings({ settings, chunks = 1, isCut = false }: Recipe): readonly string[] {
  const { emphasis, prompt, negativePrompt } = settings;
  if (isCut)
    return ['A1111 reads the end of the prompt too, which was too long for this run: the picture is another one.'];
  if (emphasis !== 'comfy') return [];
  return [prompt, negativePrompt].some((text) => hasWeights(text, emphasis))
    ? ['A1111 weighs by another formula than ComfyUI, as this run did: the picture is a little different.']
    : chunks > 1
      ? ['A1111 ends the chunks of long prompts elsewhere than ComfyUI, as this run did: the picture is another one.']
      : [];
}

/** A1111's schedules, by what they are called there. */
const LABELS: Readonly<Partial<Record<ScheduleElsewhere, string>>> = {
  uniform: 'Uniform',
  simple: 'Simple',
  ddim: 'DDIM',
  'sgm-uniform': 'SGM Uniform',
  karras: 'Karras',
  exponential: 'Exponential',
  beta: 'Beta',
};

function scheduleWarnings(recipe: Recipe, label: string): readonly string[] {
  const { spacing, scheduler } = recipe.settings;
  const levels = runLevels(recipe);
  // LCM's own is the same everywhere.
  if (!levels || scheduler === 'lcm')
    return spacing === 'model' ? [] : [`A1111 has no timestep spacing; ${spacing} is left out.`];
  const found = Object.entries(LABELS)
    .filter(([key]) => isSchedule(key as ScheduleElsewhere, levels))
    .map(([, name]) => name);
  const names = SCHEDULERS[scheduler].a1111;
  if (names?.ownTimesteps)
    return found.includes('DDIM')
      ? []
      : [`A1111’s ${names.name} steps on other timesteps than this run: the picture is another one.`];
  if (found.includes(label)) return [];
  return [
    found.length > 0
      ? `In A1111 choose the schedule type “${found[0]}”: it has the noise levels of this run, ` +
        `which “${label}” has not.`
      : `No schedule type of A1111 has the noise levels of this run; “${label}” comes near.`,
  ];
}

function pag(recipe: Recipe, warnings: string[]): Record<string, string | number> {
  const {
    pagScale,
    pag: { adaptive, window, attenuation, rescale, guidanceRescale, identity, siteIdentity },
  } = recipe.settings;
  const isWhole = identity === 1 && Object.keys(siteIdentity).length === 0;
  const hasStepWindow = window.semantics === 'always' || window.semantics === 'forge';
  if (
    isMidBlock(recipe) &&
    hasStepWindow &&
    adaptive.amount === 0 &&
    rescale.mode === 'off' &&
    guidanceRescale === 0 &&
    isWhole
  ) {
    const [start, end] = window.semantics === 'forge' ? [window.start, window.stop] : [0, 1];
    return {
      pagi_enabled: 'True',
      pagi_scale: pagScale,
      pagi_attenuation: attenuation,
      pagi_start_step: start,
      pagi_end_step: end,
    };
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
