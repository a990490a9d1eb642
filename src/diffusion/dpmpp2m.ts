// DPM-Solver++ 2M (Lu et al., arXiv 2211.01095, algorithm 2, midpoint), as diffusers'
// DPMSolverMultistepScheduler runs it with solver_order 2; and its SDE variant (algorithm_type sde-dpmsolver++). The
// latents keep unit variance: with the noise level σ of x₀ + σ·ε, α = 1/√(σ² + 1), β = σ·α, λ = −ln σ and h = λ′ − λ,
//
//   ODE    x′ = (β′/β)·x + α′(1 − e⁻ʰ)·D̄
//   SDE    x′ = (β′/β)·e⁻ʰ·x + α′(1 − e⁻²ʰ)·D̄ + β′√(1 − e⁻²ʰ)·z
//   first order D̄ = D;   second order D̄ = D + (D − D₋₁)/(2r),   r = h₋₁/h
//
// e⁻ʰ = σ′/σ. The first step has no D₋₁ and the last one goes to σ′ = 0 (h = ∞): both are of first order.
// Because of that zero, diffusers' lower_order_final and euler_at_final make no difference at order 2.

import { readConfig, type ConfigReader } from './config';
import { placeDpmSteps } from './dpmSteps';
import { roundHalfEven } from './timesteps';
import type { ScheduleOptions, SchedulerConfig, StepCoefficients, StepTable } from './types';

const READER: Omit<ConfigReader, 'scheduler'> = {
  spacing: 'linspace',
  predictsSample: true,
  zeroTerminalSnr: 'finite',
  follows: {
    thresholding: [false],
    solver_order: [2],
    solver_type: ['midpoint', 'logrho', 'bh1', 'bh2'], // diffusers reads the last three as the first
    final_sigmas_type: ['zero'],
    lambda_min_clipped: [-Infinity],
    use_lu_lambdas: [false],
    use_flow_sigmas: [false],
  },
};

/** The choice of the scheduler goes before the config's algorithm_type. */
export function dpmpp2m(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  return multistep('DPM++ 2M', config, steps, options, (sigma, next) => {
    const alpha = 1 / Math.hypot(next, 1);
    return { sample: betaRatio(sigma, next), denoised: alpha * (1 - next / sigma) };
  });
}

/** The choice of the scheduler goes before the config's algorithm_type. */
export function dpmpp2mSde(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  return multistep('DPM++ 2M SDE', config, steps, options, (sigma, next) => {
    const alpha = 1 / Math.hypot(next, 1);
    const ratio = next / sigma;
    return {
      sample: betaRatio(sigma, next) * ratio,
      denoised: alpha * (1 - ratio ** 2),
      noise: next * alpha * Math.sqrt(1 - ratio ** 2),
    };
  });
}

/** @param firstOrder x′ as factors of x, D̄ and z, for a step from σ to σ′. */
function multistep(
  scheduler: string,
  config: SchedulerConfig,
  steps: number,
  options: ScheduleOptions,
  firstOrder: (sigma: number, next: number) => { sample: number; denoised: number; noise?: number },
): StepTable {
  const read = readConfig(config, steps, { ...READER, scheduler });
  const karrasTimestep = read.betaSchedule === 'squaredcos_cap_v2' ? Math.trunc : roundHalfEven;
  const { sigmas, read: readStep } = placeDpmSteps(config, read, steps, options, karrasTimestep);
  return {
    initNoiseSigma: 1,
    steps: sigmas.map((sigma, step): StepCoefficients => {
      const previous = step > (options.skipped ?? 0) ? sigmas[step - 1] : undefined;
      const next = sigmas[step + 1] ?? 0;
      const first = firstOrder(sigma, next);
      const record = { ...readStep(step), keep: { denoised: 1 } };
      if (previous === undefined || next === 0) return { ...record, next: first };
      const extrapolation = first.denoised * (Math.log(sigma / next) / (2 * Math.log(previous / sigma))); // 1/(2r)
      return { ...record, next: { ...first, denoised: first.denoised + extrapolation, history: [-extrapolation] } };
    }),
  };
}

/** β′/β. */
function betaRatio(sigma: number, next: number): number {
  return (next * Math.hypot(sigma, 1)) / (sigma * Math.hypot(next, 1));
}
