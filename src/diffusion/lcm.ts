// Multistep consistency sampling (Luo et al., arXiv 2310.04378, algorithm 3), as diffusers' LCMScheduler runs it. The
// consistency function f keeps a little of x near timestep 0, with τ = timestep_scaling·t and σ_data = ½:
//
//   f  = τ/√(τ² + σ_data²)·D + σ_data²/(τ² + σ_data²)·x
//   x′ = α′·f + β′·z,   and f itself at the end
//
// The timesteps are evenly chosen among the original_inference_steps that the model was distilled on, not spaced
// as the config's timestep_spacing says.

import { makeTrainSchedule } from './betas';
import { clipping, readConfig, type ConfigReader, type ReadConfig } from './config';
import { readUnit } from './predictions';
import type { SchedulerConfig, StepTable } from './types';

const DATA_VARIANCE = 0.5 ** 2;

const READER: ConfigReader = {
  scheduler: 'LCM',
  spacing: 'leading',
  betas: { start: 0.00085, end: 0.012, schedule: 'scaled_linear' },
  predictsSample: true,
  zeroTerminalSnr: 'exact',
  follows: { thresholding: [false] },
};

export function lcm(config: SchedulerConfig, steps: number): StepTable {
  const read = readConfig(config, steps, READER);
  const { alphasCumprod } = makeTrainSchedule(read);
  const timesteps = distilledTimesteps(read, config.original_inference_steps ?? 50, steps);
  const clip = clipping(config, false);

  return {
    initNoiseSigma: 1,
    steps: timesteps.map((timestep, step) => {
      const [alpha, beta] = [Math.sqrt(alphasCumprod[timestep]!), Math.sqrt(1 - alphasCumprod[timestep]!)];
      const scaled = timestep * (config.timestep_scaling ?? 10);
      const boundary = {
        sample: DATA_VARIANCE / (scaled ** 2 + DATA_VARIANCE),
        denoised: scaled / Math.sqrt(scaled ** 2 + DATA_VARIANCE),
      };
      const after = timesteps[step + 1];
      const nextTotal = after === undefined ? 1 : alphasCumprod[after]!;
      return {
        step,
        ...readUnit(read.predictionType, timestep, alpha, beta),
        ...clip,
        next: {
          sample: Math.sqrt(nextTotal) * boundary.sample,
          denoised: Math.sqrt(nextTotal) * boundary.denoised,
          noise: Math.sqrt(1 - nextTotal),
        },
      };
    }),
  };
}

function distilledTimesteps({ trainTimesteps }: ReadConfig, original: number, steps: number): number[] {
  if (!(Number.isInteger(original) && original >= 1 && original <= trainTimesteps)) {
    throw new Error(`original_inference_steps must be a whole number, 1 to ${trainTimesteps}, not ${original}.`);
  }
  if (steps > original) {
    throw new Error(
      `${steps} steps are too many for LCM: the model was distilled on ${original} (original_inference_steps).`,
    );
  }
  const stride = Math.floor(trainTimesteps / original);
  return Array.from({ length: steps }, (_, i) => (original - Math.floor(i * (original / steps))) * stride - 1);
}
