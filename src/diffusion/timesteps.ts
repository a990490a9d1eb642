// Which of the training timesteps a run of few steps visits: table 2 of "Common Diffusion Noise Schedules
// and Sample Steps are Flawed" (Lin et al., arXiv 2305.08891), in the order of sampling, noisiest first.
//
//   linspace   evenly from N−1 down to 0, both visited; may be fractional
//   leading    multiples of ⌊N/points⌋ plus steps_offset; never reaches N−1
//   trailing   down from N−1 in strides of N/steps; never reaches 0
//   turbo      down from N−1 in strides of N/10, SD-Turbo's; ten at most (ComfyUI's SDTurboScheduler)
//
// Halves round to even, as in numpy.

import type { ReadConfig } from './config';

const TURBO_STEPS = 10;

export interface SpacingOptions {
  /** Spread steps + 1 points and leave out the last, the clean end: DPM-Solver's way. */
  readonly extraPoint: boolean;
  /** Round linspace's timesteps to whole ones. */
  readonly whole: boolean;
}

/**
 * `steps` timesteps in 0 … N−1, strictly descending. Throws an Error where the spacing cannot have them so:
 * with the usual offsets of 0 and 1 that is only near `steps` = N.
 */
export function spaceTimesteps(config: ReadConfig, steps: number, options: SpacingOptions): number[] {
  const { spacing, trainTimesteps, stepsOffset } = config;
  const points = options.extraPoint ? steps + 1 : steps;
  const timesteps = Array.from({ length: steps }, (_, i) => {
    switch (spacing) {
      case 'linspace': {
        const exact = linspaceAt(points - 1 - i, points, trainTimesteps - 1);
        return options.whole ? roundHalfEven(exact) : Math.fround(exact);
      }
      case 'leading':
        return (points - 1 - i) * Math.floor(trainTimesteps / points) + stepsOffset;
      case 'trailing':
        return trailingAt(i, steps, trainTimesteps);
      case 'turbo':
        return trainTimesteps - 1 - i * Math.floor(trainTimesteps / TURBO_STEPS);
    }
  });

  const descends = timesteps.every((t, i) => i === 0 || t < timesteps[i - 1]!);
  if (!descends || timesteps[0]! >= trainTimesteps || timesteps[steps - 1]! < 0) {
    throw new Error(
      `${steps} steps are too many for timestep_spacing "${spacing}" with steps_offset ${stepsOffset} ` +
        `and num_train_timesteps ${trainTimesteps}.`,
    );
  }
  return timesteps;
}

/**
 * `steps` + 1 timesteps, evenly from N−1 to 0, without the last: SGM's and ComfyUI's `sgm_uniform`. May be fractional.
 */
export function uniformTimesteps({ trainTimesteps }: ReadConfig, steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => (trainTimesteps - 1) * (1 - i / steps));
}

/** To the nearest whole number; of two equally near ones, the even one. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Point i of `points` from 0 to `end`; a single point is at 0, as numpy has it. */
function linspaceAt(i: number, points: number, end: number): number {
  if (points === 1) return 0;
  return i === points - 1 ? end : i * (end / (points - 1));
}

/**
 * The stride is taken as a difference of two values, because numpy.arange does so and halves show it. For a
 * few numbers of steps (61, 103, …) rounding makes that arange, and so diffusers, add a step at timestep −1,
 * which no model knows; here there are always as many steps as were asked for.
 */
function trailingAt(i: number, steps: number, trainTimesteps: number): number {
  const stride = trainTimesteps - trainTimesteps / steps - trainTimesteps;
  return roundHalfEven(trainTimesteps + i * stride) - 1;
}
