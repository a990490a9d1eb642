// The plain records that the sampler, the kernels and the engine share.
//
// Rows: one UNet forward of a step is a batch of rows. Guidance is linear, so the guided prediction of
// image i is Σᵣ weights[i][r]·εᵣ. Every scheduler is a table of step coefficients, executed by one kernel.

import type { SigmaSpacing, TimestepSpacing } from './options';

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

export type PredictionType = 'epsilon' | 'v_prediction';

/**
 * One step of any scheduler, all factors plain numbers (f64 here, f32 in the kernel):
 *
 *   UNet input   inputScale·x, at `timestep`
 *   D          = denoised.sample·x + denoised.prediction·prediction
 *   x′         = next.sample·x + next.denoised·D + next.previousDenoised·D₋₁ + next.noise·z
 *
 * D is the denoised estimate (x̂₀), D₋₁ that of the step before, z fresh standard normal noise.
 */
export interface StepCoefficients {
  readonly timestep: number;
  readonly inputScale: number;
  /** Noise level in the σ of x₀ + σ·ε, for windows and curves. */
  readonly sigma: number;
  readonly denoised: { readonly sample: number; readonly prediction: number };
  readonly next: {
    readonly sample: number;
    readonly denoised: number;
    readonly previousDenoised: number;
    readonly noise: number;
  };
}

export interface StepTable {
  /** The first latents are initNoiseSigma·z. */
  readonly initNoiseSigma: number;
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
}
