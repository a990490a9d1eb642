// What other systems call PAG, as plain data: the parameters that they have, at their defaults, and whose formulas
// those follow. Choosing one sets these fields and nothing else; every number can be typed over.

import { PLAIN_PAG, type PagOptions } from '../diffusion/options';
import type { Settings } from './fields';

export interface PagPreset {
  readonly name: string;
  /** One sentence for people. */
  readonly what: string;
  readonly settings: Pick<Settings, 'pagScale' | 'layers' | 'pag'>;
}

const at = (pagScale: number, pag: Partial<PagOptions> = {}): PagPreset['settings'] => ({
  pagScale,
  layers: 'mid',
  pag: { ...PLAIN_PAG, ...pag },
});

export const PRESETS: Readonly<Record<string, PagPreset>> = {
  paper: { name: 'Paper', what: 'The same scale in every step, at the middle block.', settings: at(3) },
  comfy: {
    name: 'ComfyUI: Perturbed-Attention Guidance',
    what: 'ComfyUI’s own node: scale, nothing else.',
    settings: at(3),
  },
  advanced: {
    name: 'ComfyUI: advanced node',
    what: 'sd-perturbed-attention: adaptive_scale, a window in σ, rescale.',
    settings: at(3, {
      adaptive: { semantics: 'pamparamm', amount: 0 },
      window: { semantics: 'sigma', start: -1, stop: -1 },
      rescale: { mode: 'full', amount: 0 },
    }),
  },
  diffusers: {
    name: 'diffusers: PAG pipelines',
    what: 'pag_scale, pag_adaptive_scale and guidance_rescale.',
    settings: at(3, { adaptive: { semantics: 'diffusers', amount: 0 } }),
  },
  guider: {
    name: 'diffusers: guider',
    what:
      'perturbed_guidance_scale in a window of steps, start to stop. ' +
      'diffusers itself does not perturb while CFG is off; here it does.',
    settings: at(2.8, { window: { semantics: 'guider', start: 0.01, stop: 0.2 } }),
  },
  forge: {
    name: 'Forge: built-in',
    what: 'Scale, attenuation per step, and a window from start to end.',
    settings: at(3, { window: { semantics: 'forge', start: 0, stop: 1 } }),
  },
  incantations: {
    name: 'A1111: incantations',
    what:
      'A scale at the middle block (of SDXL its first layer alone), off until it is raised, ' +
      'from a start step to an end step.',
    settings: { ...at(0, { window: { semantics: 'steps', start: 0, stop: 150 } }), layers: 'm0.0' },
  },
};

type Own = Pick<Settings, 'pagScale' | 'layers' | 'pag'>;

/** The first preset that the settings are at; null where they are the visitor's own. */
export function presetOf(settings: Own): string | null {
  return Object.keys(PRESETS).find((key) => isAtPreset(settings, key)) ?? null;
}

export function isAtPreset(settings: Own, key: string): boolean {
  const preset = PRESETS[key];
  return preset !== undefined && comparable(settings) === comparable(preset.settings);
}

function comparable({ pagScale, layers, pag }: Own): string {
  return JSON.stringify(sorted({ pagScale, layers, pag }));
}

/** Keys in one order, at every depth. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, inner]) => [key, sorted(inner)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
