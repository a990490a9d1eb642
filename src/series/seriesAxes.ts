// What a series may go over, one row an axis, in the order in which the form shows them. `cost` says what another value
// asks of the engine (3 other sessions, 2 the text anew, 1 another schedule or noise, 0 nothing): the dearest runs
// outermost.

import type { PagOptions, PagWindow } from '../diffusion/options';
import { takeLoraTags, withLoraWeight } from '../recipe/loraTags';
import { PAG_RULES, WINDOW_RULES } from '../settings/pagOptions';
import { choiceAxis, items, numberAxis, pagAxis, readNumbers, set, shown, type Axis } from './axisKinds';

export const AXES = {
  pagScale: numberAxis('pagScale', { label: 'PAG scale', example: '0, 1.5, 3 or 0-6 [4]', cost: 0 }),
  layers: {
    label: 'Layers',
    example: 'mid, down, up or "d0,m0", mid',
    cost: 3,
    ofPag: true,
    read: (text) => items(text).map((layers) => set(layers, 'layers', layers)),
  },
  identity: pagAxis(
    { label: 'Perturbation u', example: '0.25, 0.5, 1', cost: 0 },
    () => PAG_RULES.identity,
    (pag, identity) => ({ ...pag, identity, siteIdentity: {} }),
  ),
  adaptive: pagAxis(
    { label: 'Adaptive scale', example: '0, 0.002, 0.005', cost: 0 },
    () => PAG_RULES.adaptive,
    (pag, amount) => ({ ...pag, adaptive: { ...pag.adaptive, amount } }),
  ),
  windowStart: windowAxis('start', 'PAG from', '0, 0.25, 0.5: of the run'),
  windowStop: windowAxis('stop', 'PAG until', '0.25, 0.5, 1: of the run'),
  attenuation: pagAxis(
    { label: 'Attenuation', example: '0, 2, 5: percent a step', cost: 0 },
    () => PAG_RULES.attenuation,
    (pag, attenuation) => ({ ...pag, attenuation }),
  ),
  rescale: pagAxis(
    { label: 'Rescale', example: '0, 0.5, 1', cost: 0 },
    () => PAG_RULES.fraction,
    (pag, amount) => ({ ...pag, rescale: { mode: pag.rescale.mode === 'partial' ? 'partial' : 'full', amount } }),
  ),
  guidanceRescale: pagAxis(
    { label: 'Guidance rescale', example: '0, 0.4, 0.7', cost: 0 },
    () => PAG_RULES.fraction,
    (pag, guidanceRescale) => ({ ...pag, guidanceRescale }),
    false,
  ),
  guidanceScale: numberAxis('guidanceScale', { label: 'CFG scale', a1111: 'CFG Scale', example: '1-7 [4]', cost: 0 }),
  seed: numberAxis('seed', { label: 'Seed', a1111: 'Seed', example: '1-4', cost: 1 }),
  noiseSource: choiceAxis('noiseSource', { label: 'Noise of', a1111: 'RNG source', example: 'CPU, GPU', cost: 1 }),
  steps: numberAxis('steps', { label: 'Steps', a1111: 'Steps', example: '10, 20, 40', cost: 1 }),
  scheduler: choiceAxis('scheduler', { label: 'Scheduler', a1111: 'Sampler', example: 'DDIM, Euler', cost: 1 }),
  sigmas: choiceAxis('sigmas', {
    label: 'Sigmas',
    a1111: 'Schedule type',
    example: 'Karras, Exponential',
    cost: 1,
  }),
  spacing: choiceAxis('spacing', { label: 'Timestep spacing', example: 'Leading, Trailing', cost: 1 }),
  strength: numberAxis('strength', {
    label: 'Strength',
    a1111: 'Denoising',
    example: '0.3, 0.5, 0.7',
    cost: 1,
    needs: 'start image',
  }),
  startFit: choiceAxis('startFit', {
    label: 'Fit of the start image',
    example: 'crop, fit, stretch',
    cost: 1,
    needs: 'start image',
  }),
  maskFeather: numberAxis('maskFeather', { label: 'Feather', example: '0, 4, 16', cost: 1, needs: 'mask' }),
  maskPadding: numberAxis('maskPadding', {
    label: 'Padding of the mask',
    example: '0, 32, 64',
    cost: 1,
    needs: 'mask',
  }),
  size: {
    label: 'Size',
    a1111: 'Size',
    example: '512x512, 512x768',
    cost: 3,
    ofPag: false,
    read: (text) =>
      items(text).map((item) => {
        const [, width, height] = /^(\d+)\s*[x×*]\s*(\d+)$/i.exec(item) ?? [];
        if (width === undefined) throw new Error(`“${item}” is no size: write width x height, as in 512x768.`);
        const [wide, high] = [set(item, 'width', Number(width)), set(item, 'height', Number(height))];
        return { label: `${width}×${height}`, settings: (base) => high.settings(wide.settings(base)) };
      }),
  },
  clipSkip: numberAxis('clipSkip', { label: 'Clip skip', a1111: 'Clip skip', example: '1-2', cost: 2 }),
  emphasis: choiceAxis('emphasis', { label: 'Prompts read as', example: 'a1111, comfy, plain', cost: 2 }),
  words: {
    label: 'Words of the prompt',
    a1111: 'Prompt S/R',
    example: 'cat, dog, owl: the first is found, each takes its place',
    cost: 2,
    ofPag: false,
    read: (text, { prompt, negativePrompt }) => {
      const [sought, ...others] = items(text);
      if (sought === undefined) return [];
      if (!prompt.includes(sought) && !negativePrompt.includes(sought))
        throw new Error(`“${sought}” is in neither prompt: the first of the words is the one to be replaced.`);
      return [sought, ...others].map((word) => ({
        label: word,
        settings: (base) => ({
          ...base,
          prompt: base.prompt.replaceAll(sought, () => word),
          negativePrompt: base.negativePrompt.replaceAll(sought, () => word),
        }),
      }));
    },
  },
  loraWeight: {
    label: 'LoRA weight',
    example: '0, 0.5, 1 or, of one of several, ink: 0-1 [3]',
    cost: 3,
    ofPag: false,
    read: readLoraWeights,
  },
} as const satisfies Record<string, Axis>;

export type AxisName = keyof typeof AXES;

export function isAxisName(name: unknown): name is AxisName {
  return typeof name === 'string' && Object.hasOwn(AXES, name);
}

/** In the window's own words; where there is none, in Forge's fractions of the run. */
function windowAxis(end: 'start' | 'stop', label: string, example: string): Axis {
  const own = ({ window }: PagOptions): Exclude<PagWindow, { semantics: 'always' }> =>
    window.semantics === 'always' ? { semantics: 'forge', start: 0, stop: 1 } : window;
  return pagAxis(
    { label, example, cost: 0 },
    (pag) => WINDOW_RULES[own(pag).semantics],
    (pag, value) => ({ ...pag, window: { ...own(pag), [end]: value } }),
  );
}

/** The weights stand in tags of the prompt, as `<lora:ink:0.5>`. */
function readLoraWeights(text: string, { prompt }: Parameters<Axis['read']>[1]): ReturnType<Axis['read']> {
  const [, only = null, weights = text] = /^\s*([^:]+?)\s*:\s*(.*)$/.exec(text) ?? [];
  const names = takeLoraTags(prompt).tags.map(({ name }) => name);
  if (names.length === 0) throw new Error('No LoRA is in use: add one under LoRA.');
  if (only !== null && !names.includes(only))
    throw new Error(`“${only}” is none of the LoRA in use: ${names.join(', ')}.`);
  return readNumbers(weights, false).map((weight) => ({
    label: shown(weight),
    settings: (base) => ({
      ...base,
      prompt: withLoraWeight(base.prompt, only === null ? names : [only], weight),
    }),
  }));
}
