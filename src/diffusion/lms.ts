// Linear multistep of order 4 (Adams–Bashforth with steps of any size), as k-diffusion's and diffusers'
// LMSDiscreteScheduler run it. With the derivative d = (x − D)/σ, which each step keeps,
//
//   x′ = x + Σₖ cₖ·d₋ₖ,   cₖ = ∫ from σ to σ′ of Πⱼ≠ₖ (τ − σ₋ⱼ)/(σ₋ₖ − σ₋ⱼ) dτ
//
// over this step and up to three before it. The integrand is a cubic at most: two Gauss–Legendre points are exact.

import { readConfig, type ConfigReader } from './config';
import { readSigma } from './predictions';
import { chooseSigmas } from './sigmas';
import { placeSigmaSteps } from './sigmaSteps';
import type { ScheduleOptions, SchedulerConfig, StepTable } from './types';

const ORDER = 4;

const READER: ConfigReader = { scheduler: 'LMS', spacing: 'linspace', predictsSample: true, follows: {} };

export function lms(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  const read = readConfig(config, steps, READER);
  const choice = chooseSigmas(options.sigmas, config);
  // diffusers' class spreads Karras' σ between those of the timesteps, whatever the config says.
  const { sigmas, timesteps, initNoiseSigma } = placeSigmaSteps(read, steps, choice, choice === 'karras' ? {} : config);
  return {
    initNoiseSigma,
    steps: sigmas.map((sigma, step) => {
      const known = sigmas.slice(Math.max(0, step + 1 - ORDER), step + 1).reverse();
      const [own = 0, ...history] = known.map((_, k) => integralOfBasis(known, k, sigma, sigmas[step + 1] ?? 0));
      return {
        step,
        ...readSigma(read.predictionType, timesteps[step]!, sigma),
        next: { sample: 1 + own / sigma, denoised: -own / sigma, history },
        keep: { sample: 1 / sigma, denoised: -1 / sigma },
      };
    }),
  };
}

/** The integral of Lagrange's polynomial that is 1 at nodes[k] and 0 at the other nodes. */
function integralOfBasis(nodes: readonly number[], k: number, from: number, to: number): number {
  const basis = (tau: number) =>
    nodes.reduce((product, node, j) => (j === k ? product : (product * (tau - node)) / (nodes[k]! - node)), 1);
  const [middle, half] = [(from + to) / 2, (to - from) / 2];
  return half * (basis(middle - half / Math.sqrt(3)) + basis(middle + half / Math.sqrt(3)));
}
