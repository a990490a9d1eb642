// Euler ancestral, as diffusers' EulerAncestralDiscreteScheduler runs it: ancestral.ts's step in the place of Euler's.
// diffusers' class has no Karras spacing and the like; chosen here, it lies as Euler's does.

import { ancestralStep } from './ancestral';
import { readConfig, type ConfigReader } from './config';
import { readSigma } from './predictions';
import { chooseSigmas } from './sigmas';
import { placeSigmaSteps } from './sigmaSteps';
import type { ScheduleOptions, SchedulerConfig, StepTable } from './types';

const READER: ConfigReader = { scheduler: 'Euler a', spacing: 'linspace', zeroTerminalSnr: 'finite', follows: {} };

export function eulerAncestral(config: SchedulerConfig, steps: number, options: ScheduleOptions): StepTable {
  const read = readConfig(config, steps, READER);
  const { sigmas, timesteps, initNoiseSigma } = placeSigmaSteps(read, steps, chooseSigmas(options.sigmas, {}), {});
  return {
    initNoiseSigma,
    steps: sigmas.map((sigma, step) => ({
      step,
      ...readSigma(read.predictionType, timesteps[step]!, sigma),
      next: ancestralStep(sigma, sigmas[step + 1] ?? 0),
    })),
  };
}
