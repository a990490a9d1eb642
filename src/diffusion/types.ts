// The plain records that the sampler, the kernels and the engine share.
//
// Rows: one UNet forward of a step is a batch of rows. Guidance is linear, so the guided prediction of
// image i is Σᵣ weights[i][r]·εᵣ. Every scheduler is a table of step coefficients, executed by one kernel.

import type { PredictionChoice, SigmaSpacing, TerminalSnr, TimestepSpacing } from './options';

/** One row of a UNet forward. */
export interface Row {
  /** Which image's latents the row reads: 0 … images−1. */
  readonly image: number;
  readonly context: 'uncond' | 'cond';
  /** u ∈ [0,1] at the perturbed sites: (1−u)·softmax(QKᵀ/√d)V + u·V. 0 is ordinary attention, 1 is PAG. */
  readonly identity: number;
}

/** The rows of one step, and the weights that combine their predictions into one per image. */
export interface RowPlan {
  readonly rows: readonly Row[];
  /** weights[image][row]. */
  readonly weights: readonly (readonly number[])[];
}

/** What a perturbation site makes of its inputs: output row r reads source row `source`, blended by `identity`. */
export interface SiteRow {
  readonly source: number;
  readonly identity: number;
}

export type PredictionType = 'epsilon' | 'v_prediction' | 'sample';

/** A weighted sum of what a record has at hand; absent factors are 0, and what they belong to is not read. */
export interface StepFactors {
  /** Of x, the latents that the record starts from. */
  readonly sample?: number;
  /** Of the guided prediction, as the model makes it. */
  readonly prediction?: number;
  /** Of D, the denoised estimate. */
  readonly denoised?: number;
  /** Of z, fresh standard normal noise. A record draws it once, and only where a factor of it is not 0. */
  readonly noise?: number;
}

/**
 * One forward of the model and what is made of it, all factors plain numbers (f64 here, f32 in the kernel):
 *
 *   UNet input   inputScale·x, at `timestep`
 *   D          = denoised.sample·x + denoised.prediction·prediction, clamped to ±clip
 *   x′         = next.sample·x + next.prediction·prediction + next.denoised·D + next.noise·z + Σₖ next.history[k]·K₋₁₋ₖ
 *   K          = keep, of the same x, prediction, D and z: what later records read as history
 *
 * D is the denoised estimate (x̂₀), K₋₁ the K of the record before, K₋₂ that of the one before it. A multistep
 * scheduler keeps D (or the derivative, or the prediction); a two-stage one takes two records a step, and the first
 * keeps where the step started.
 */
export interface StepCoefficients {
  /** Which of the user's steps this belongs to, from 0; both records of a two-stage step have the same. */
  readonly step: number;
  readonly timestep: number;
  readonly inputScale: number;
  /** Noise level in the σ of x₀ + σ·ε, for windows and curves; ∞ where nothing of the image is left. */
  readonly sigma: number;
  readonly denoised: { readonly sample: number; readonly prediction: number };
  /** D is not clamped where absent. */
  readonly clip?: number;
  readonly next: StepFactors & { readonly history?: readonly number[] };
  readonly keep?: StepFactors;
}

/** Latents of a known image at some noise level: so much of the image and of noise. */
export interface KnownFactors {
  readonly sample: number;
  readonly noise: number;
}

export interface StepTable {
  /** The first latents are initNoiseSigma·z. */
  readonly initNoiseSigma: number;
  /** In the order in which they run. A step that calls the model twice has two records. */
  readonly steps: readonly StepCoefficients[];
}

/** diffusers' `scheduler_config.json`, the fields that matter here; absent ones take diffusers' defaults. */
export interface SchedulerConfig {
  readonly _class_name?: string;
  readonly num_train_timesteps?: number;
  readonly beta_start?: number;
  readonly beta_end?: number;
  readonly beta_schedule?: string;
  readonly prediction_type?: string;
  readonly timestep_spacing?: string;
  readonly steps_offset?: number;
  readonly set_alpha_to_one?: boolean;
  readonly clip_sample?: boolean;
  readonly clip_sample_range?: number;
  readonly thresholding?: boolean;
  readonly trained_betas?: readonly number[] | null;
  readonly rescale_betas_zero_snr?: boolean;
  readonly sigma_min?: number | null;
  readonly sigma_max?: number | null;
  readonly final_sigmas_type?: string;
  readonly interpolation_type?: string;
  readonly timestep_type?: string;
  readonly algorithm_type?: string;
  readonly solver_order?: number;
  readonly solver_type?: string;
  readonly lower_order_final?: boolean;
  readonly predict_x0?: boolean;
  readonly disable_corrector?: readonly number[];
  readonly solver_p?: unknown;
  readonly skip_prk_steps?: boolean;
  readonly original_inference_steps?: number;
  readonly timestep_scaling?: number;
  readonly lambda_min_clipped?: number;
  readonly variance_type?: string | null;
  readonly use_karras_sigmas?: boolean | null;
  readonly use_exponential_sigmas?: boolean | null;
  readonly use_beta_sigmas?: boolean | null;
  readonly use_lu_lambdas?: boolean | null;
  readonly use_flow_sigmas?: boolean | null;
}

/** What a scheduler needs to know beside its config and the number of steps. */
export interface ScheduleOptions {
  /** Instead of the config's; schedulers of whole timesteps have no use for them. */
  readonly sigmas: SigmaSpacing;
  /** Instead of the config's `timestep_spacing`. */
  readonly spacing: TimestepSpacing;
  /** Instead of the config's `prediction_type` and `rescale_betas_zero_snr`, which stay where absent. */
  readonly prediction?: PredictionChoice;
  readonly terminalSnr?: TerminalSnr;
  /** How many of the steps are left out at the noisy end: a run that starts from an image. 0 where absent. */
  readonly skipped?: number;
}
