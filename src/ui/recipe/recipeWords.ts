// A recipe as lines to read: what each field is called on the page, and its value in words. What is at rest (PAG's
// options as in the paper) has no line.

import type { Recipe } from '../../store/recipeSlice';
import { changeLines } from '../../settings/changeWords';
import { labelOf } from '../../settings/fields';

export type RecipeLine = readonly [name: string, value: string];

export function recipeLines({
  appVersion,
  model,
  settings,
  size,
  sites,
  backend,
  adapter,
  versions,
  embeddings = [],
  batch,
  start,
  mask,
}: Recipe): readonly RecipeLine[] {
  const lines: (RecipeLine | null)[] = [
    ['Model', modelText(model)],
    ['Prompt', settings.prompt],
    settings.negativePrompt === '' ? null : ['Negative prompt', settings.negativePrompt],
    settings.emphasis === 'plain' ? null : ['Prompts read as', labelOf('emphasis', settings.emphasis)],
    embeddings.length > 0 ? ['Embeddings', embeddings.join(', ')] : null,
    ['Size', `${size.width} × ${size.height}`],
    ['Seed', seedText(settings, batch)],
    start === undefined ? null : ['Start image', `${start.slice(0, 12)}, strength ${settings.strength}`],
    mask === undefined ? null : ['Mask', maskText(mask, settings)],
    ['Steps', String(settings.steps)],
    ['Scheduler', schedulerText(settings)],
    settings.clipSkip > 1 ? ['Clip skip', String(settings.clipSkip)] : null,
    settings.prediction === 'model' ? null : ['Prediction', labelOf('prediction', settings.prediction)],
    settings.terminalSnr === 'model' ? null : ['Terminal SNR', labelOf('terminalSnr', settings.terminalSnr)],
    ['CFG scale', settings.guidanceScale > 1 ? String(settings.guidanceScale) : 'off'],
    ['PAG scale', settings.pagScale > 0 ? String(settings.pagScale) : 'off'],
    ...(settings.pagScale > 0 ? pagLines(settings, sites.length) : []),
    ...changeLines(settings).map((line): RecipeLine => ['On the way', line]),
    settings.pag.guidanceRescale > 0 ? ['Guidance rescale', String(settings.pag.guidanceRescale)] : null,
    [
      'Made with',
      [
        `Pagoda ${appVersion}`,
        `${adapter}, ${backend === 'webgpu' ? 'WebGPU' : 'WASM'}`,
        ...Object.entries(versions).map(([name, version]) => `${name} ${version}`),
      ].join(' · '),
    ],
  ];
  return lines.filter((line) => line !== null);
}

export function modelText({ id, revision, vae, unet }: Recipe['model']): string {
  const own = revision === null ? id : `${id} at ${revision.slice(0, 12)}`;
  const others = [
    ...(unet === undefined ? [] : [`the UNet ${unet}`]),
    ...(vae === undefined ? [] : [`the VAE ${vae}`]),
  ];
  return others.length === 0 ? own : `${own} with ${others.join(' and ')}`;
}

function seedText({ seed, noiseSource }: Recipe['settings'], batch: Recipe['batch']): string {
  const noise = noiseSource === 'gpu' ? ', with a GPU’s noise' : '';
  return `${seed}${noise}${batch ? `, image ${batch.position + 1} of ${batch.size}` : ''}`;
}

function maskText(hash: string, { maskArea, maskPadding, maskFeather, keepRest }: Recipe['settings']): string {
  return [
    hash.slice(0, 12),
    labelOf('maskArea', maskArea).toLowerCase() + (maskArea === 'masked' ? `, ${maskPadding} px around it` : ''),
    maskFeather > 0 ? `feather ${maskFeather}` : '',
    keepRest ? 'the rest kept' : 'the rest as the VAE makes it',
  ]
    .filter(Boolean)
    .join(', ');
}

/** As the form calls them. */
function schedulerText({ scheduler, sigmas, spacing }: Recipe['settings']): string {
  return [
    labelOf('scheduler', scheduler),
    sigmas === 'model' ? '' : `${labelOf('sigmas', sigmas)} sigmas`,
    spacing === 'model' ? '' : `${labelOf('spacing', spacing).toLowerCase()} timesteps`,
  ]
    .filter(Boolean)
    .join(', ');
}

function pagLines(
  { layers, pag: { adaptive, window, attenuation, rescale, identity, siteIdentity } }: Recipe['settings'],
  sites: number,
): (RecipeLine | null)[] {
  const singles = Object.entries(siteIdentity);
  return [
    ['Layers', `${layers} (${sites} ${sites === 1 ? 'self-attention' : 'self-attentions'})`],
    adaptive.amount > 0 ? ['Adaptive scale', `${adaptive.amount}, as ${adaptive.semantics} counts it`] : null,
    window.semantics === 'always'
      ? null
      : ['Window', `${window.start} to ${window.stop}, ${WINDOWS[window.semantics]}`],
    attenuation > 0 ? ['Attenuation', `${attenuation} % a step`] : null,
    rescale.mode === 'off' ? null : ['Rescale', 'amount' in rescale ? `${rescale.amount}, ${rescale.mode}` : 'SNF'],
    identity === 1 ? null : ['Perturbation', String(identity)],
    singles.length === 0
      ? null
      : ['Perturbation of single layers', singles.map(([name, u]) => `${name} ${u}`).join(', ')],
  ];
}

const WINDOWS = {
  sigma: 'in σ',
  guider: "in fractions of the run, as diffusers' guider",
  forge: 'in fractions of the run, as Forge',
  steps: 'in steps counted from 0',
} as const;
