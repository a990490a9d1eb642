// What a user may choose about sampling and guidance, as plain data. A preset of another system is a value of
// these types: its parameters, and whose semantics they have (the formulas are in guidance's files).

/**
 * How sigmas are spread, and what A1111 and ComfyUI call that; `model` takes what the model's scheduler config says.
 */
const SIGMA_TABLE = {
  // A1111's Automatic is Karras or Exponential for some samplers.
  model: { label: 'As the model says', a1111: 'Uniform', comfy: 'normal' },
  karras: { label: 'Karras', a1111: 'Karras', comfy: 'karras' },
  exponential: { label: 'Exponential', a1111: 'Exponential', comfy: 'exponential' },
  'sgm-uniform': { label: 'SGM uniform', a1111: 'SGM Uniform', comfy: 'sgm_uniform' },
  beta: { label: 'Beta', a1111: 'Beta', comfy: 'beta' },
} as const;

export type SigmaSpacing = keyof typeof SIGMA_TABLE;
export const SIGMAS: Readonly<Record<SigmaSpacing, { label: string; a1111: string; comfy: string }>> = SIGMA_TABLE;

/** diffusers' `timestep_spacing`, or ComfyUI's of SD-Turbo; `model` takes what the model's scheduler config says. */
const SPACING_TABLE = {
  model: { label: 'As the model says' },
  linspace: { label: 'Linspace' },
  leading: { label: 'Leading' },
  trailing: { label: 'Trailing' },
  turbo: { label: 'Turbo (ten steps at most)' },
} as const;

export type TimestepSpacing = keyof typeof SPACING_TABLE;
export const SPACINGS: Readonly<Record<TimestepSpacing, { label: string }>> = SPACING_TABLE;

/** The generator that a seed begins. */
export const NOISE_SOURCES = { cpu: { label: 'CPU' }, gpu: { label: 'GPU' } } as const;

export type NoiseSource = keyof typeof NOISE_SOURCES;

/** What the UNet predicts; `model` takes what its scheduler config says. */
const PREDICTION_TABLE = {
  model: { label: 'As the model says' },
  epsilon: { label: 'ε, the noise' },
  v_prediction: { label: 'v' },
} as const;

export type PredictionChoice = keyof typeof PREDICTION_TABLE;
export const PREDICTIONS: Readonly<Record<PredictionChoice, { label: string }>> = PREDICTION_TABLE;

/** Whether the schedule ends in pure noise (arXiv 2305.08891); `model` takes what its scheduler config says. */
const TERMINAL_SNR_TABLE = {
  model: { label: 'As the model says' },
  zero: { label: 'Zero, timesteps trailing' },
  kept: { label: 'Above zero' },
} as const;

export type TerminalSnr = keyof typeof TERMINAL_SNR_TABLE;
export const TERMINAL_SNRS: Readonly<Record<TerminalSnr, { label: string }>> = TERMINAL_SNR_TABLE;

/** s falls with the timestep, by whose formula; amount 0 is off. */
export interface AdaptiveScale {
  readonly semantics: 'diffusers' | 'pamparamm';
  readonly amount: number;
}

/**
 * In which steps PAG is active: `sigma` end < σ ≤ start, a negative number means no bound (pamparamm);
 * `guider` int(start·N) < i < int(stop·N) (diffusers' guider); `forge` start ≤ j/(N−1) ≤ stop; `steps` start ≤ j ≤ stop
 * (incantations), both with j = max(0, i − 1), which is the step that they see: the first two are 0.
 */
export type PagWindow =
  | { readonly semantics: 'always' }
  | { readonly semantics: 'sigma' | 'guider' | 'forge' | 'steps'; readonly start: number; readonly stop: number };

/** What tames over-cooked colours: pamparamm's rescale of the PAG term, or its saliency-based choice (SNF). */
export type PagRescale =
  | { readonly mode: 'off' | 'snf' }
  | { readonly mode: 'full' | 'partial'; readonly amount: number };

export interface PagOptions {
  readonly adaptive: AdaptiveScale;
  readonly window: PagWindow;
  /** Forge: s falls by this many percent of s with each step in which the window is open, from its second. 0–100. */
  readonly attenuation: number;
  readonly rescale: PagRescale;
  /** diffusers' `guidance_rescale` φ, of the whole prediction; 0 is off. */
  readonly guidanceRescale: number;
  /** SoftPAG u at the perturbed sites: 1 is PAG, 0 no perturbation. */
  readonly identity: number;
  /** u of single sites, by diffusers' name; the others have `identity`. */
  readonly siteIdentity: Readonly<Record<string, number>>;
}

/** The paper's PAG: constant scale, every step, nothing rescaled. */
export const PLAIN_PAG: PagOptions = {
  adaptive: { semantics: 'diffusers', amount: 0 },
  window: { semantics: 'always' },
  attenuation: 0,
  rescale: { mode: 'off' },
  guidanceRescale: 0,
  identity: 1,
  siteIdentity: {},
};

/**
 * What held in the first steps of a run that was changed on the way: in those before `until`, counted from 0, and not
 * before that of an earlier change. What the settings say holds behind the last of them.
 */
export interface EarlierSteps {
  readonly until: number;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly guidanceScale: number;
  readonly pagScale: number;
  readonly layers: string;
}
