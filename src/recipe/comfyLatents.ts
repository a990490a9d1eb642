// What a sampler of ComfyUI begins with, read: empty latents, or an image's, with or without a mask, and how many of
// the schedule's steps are run of it. What stands on the way and is not known is named.

import type { RecipeSettings } from '../settings/fields';
import type { StartRead } from './a1111Start';
import { comfySteps, strengthOf } from './strengths';

export interface ComfyNode {
  readonly id: string;
  readonly type: string;
  readonly inputs: Record<string, unknown>;
}

/** A workflow's nodes and the settings that are read of them. */
export interface ComfyReading {
  readonly linked: (input: unknown) => ComfyNode | undefined;
  /** What an input is worth where a node only holds it. */
  readonly worth: (input: unknown) => unknown;
  /** From node to node by the first of these inputs that is linked. */
  readonly chain: (first: unknown, ...inputs: readonly string[]) => readonly ComfyNode[];
  readonly set: (name: keyof RecipeSettings, given: unknown) => void;
  readonly refuse: (name: string, given: unknown, why: string) => void;
}

const ENCODERS: ReadonlySet<string> = new Set(['VAEEncode', 'VAEEncodeForInpaint', 'InpaintModelConditioning']);
const MASKS: ReadonlySet<string> = new Set(['SetLatentNoiseMask', 'VAEEncodeForInpaint', 'InpaintModelConditioning']);
const BLURS: ReadonlySet<string> = new Set(['MaskToImage', 'ImageToMask', 'ImageBlur', 'LoadImageMask', 'LoadImage']);
const KNOWN: ReadonlySet<string> = new Set([
  ...ENCODERS,
  ...MASKS,
  'EmptyLatentImage',
  'ImageScale',
  'LatentFromBatch',
  'LoadImage',
  'RepeatLatentBatch',
]);

/** @param kept node whose pictures are saved. */
export function readLatents(sampler: ComfyNode, kept: ComfyNode | undefined, reading: ComfyReading): StartRead {
  const { chain, worth, set, refuse } = reading;
  const way = chain(sampler.inputs['latent_image'], 'samples', 'pixels', 'image');
  // There are many nodes that give empty latents of a size.
  for (const { type } of way.filter(({ inputs }, at) => at < way.length - 1 || inputs['width'] === undefined))
    if (!KNOWN.has(type)) refuse(type, '', 'Pagoda has no such node: it was left out.');
  const sized = way.find(({ inputs }) => inputs['width'] !== undefined && inputs['height'] !== undefined);
  set('width', worth(sized?.inputs['width']));
  set('height', worth(sized?.inputs['height']));
  const encoder = way.find(({ type }) => ENCODERS.has(type));
  const { run, steps } = stepsOf(sampler, reading);
  if (!encoder) {
    const batch = worth(sized?.inputs['batch_size']);
    if (batch !== undefined && batch !== 1)
      refuse('batch_size', batch, 'The first picture was taken: ComfyUI draws the noise of the others behind its.');
    if (run !== steps) refuse('denoise', worth(sampler.inputs['denoise']), 'It was taken as 1: from noise alone.');
    set('steps', run);
    return { settings: {} };
  }
  set('steps', steps);
  const scale = way.find(({ type }) => type === 'ImageScale');
  const settings: { -readonly [K in keyof RecipeSettings]?: RecipeSettings[K] } = {
    startFit: worth(scale?.inputs['crop']) === 'disabled' ? 'stretch' : 'crop',
  };
  if (typeof run === 'number' && typeof steps === 'number' && steps > 0 && run <= steps)
    settings.strength = strengthOf(run, steps);
  const second = way.find(({ type }) => type === 'LatentFromBatch');
  if (second?.inputs['batch_index'] !== 1)
    refuse('VAEEncode', '', 'From an image ComfyUI draws its noise first, Pagoda second: the picture is another one.');
  const masked = way.find(({ type }) => MASKS.has(type));
  if (!masked) return { settings, start: '' };
  const onMask = chain(masked.inputs['mask'], 'mask', 'image');
  for (const { type } of onMask)
    if (!BLURS.has(type) && !KNOWN.has(type)) refuse(type, '', 'Pagoda has no such node: it was left out.');
  if (masked.type === 'VAEEncodeForInpaint')
    refuse(masked.type, '', 'Under the mask Pagoda begins from the image itself, not from grey.');
  const sigma = worth(onMask.find(({ type }) => type === 'ImageBlur')?.inputs['sigma']);
  settings.maskArea = 'whole';
  settings.maskFeather = typeof sigma === 'number' ? Math.round(sigma) : 0;
  settings.keepRest = kept?.type === 'ImageCompositeMasked';
  return { settings, start: '', mask: '' };
}

/** Steps that are run, and those of the schedule whose last ones they are. */
function stepsOf({ type, inputs }: ComfyNode, { linked, worth }: ComfyReading): { run: unknown; steps: unknown } {
  const split = linked(inputs['sigmas']);
  const schedule = split?.type === 'SplitSigmas' ? linked(split.inputs['sigmas']) : split;
  const own = schedule?.inputs ?? inputs;
  const steps = worth(own['steps']);
  if (typeof steps !== 'number') return { run: steps, steps };
  if (split?.type === 'SplitSigmas') return { run: steps - Number(worth(split.inputs['step']) ?? 0), steps };
  if (type === 'KSamplerAdvanced') return { run: steps - Number(worth(inputs['start_at_step']) ?? 0), steps };
  const denoise = worth(own['denoise']);
  return { run: steps, steps: typeof denoise === 'number' && denoise > 0 ? comfySteps(steps, denoise) : steps };
}
