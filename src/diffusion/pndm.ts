// PLMS, the pseudo linear multistep method of PNDM (Liu et al., arXiv 2202.09778), as diffusers' PNDMScheduler runs it
// with skip_prk_steps. The step from ᾱ to ᾱ′ is DDIM's with a mean of predictions p̄ in the place of one (eq. 11, 12):
//
//   x′ = √(ᾱ′/ᾱ)·x − (ᾱ′ − ᾱ)·ε̄/(ᾱ·√(1 − ᾱ′) + √(ᾱ(1 − ᾱ)ᾱ′)),   ε̄ that of p̄ and x
//
//   first step    x₁ from p₀, then from the first x again with p̄ = (p₀ + p₁)/2: two records
//   then          p̄ = (3p − p₀)/2,   (23p − 16p₋₁ + 5p₋₂)/12,   (55p − 59p₋₁ + 37p₋₂ − 9p₋₃)/24
//
// p₁ of the second record is none of the p₋₁. The first x is found by undoing the first record. A run that starts
// behind some steps reads the same list of timesteps from there on, in which only the second stands twice: its second
// record still does its first step over, and what follows lags a step behind its timesteps (diffusers' img2img). The
// Runge–Kutta steps of skip_prk_steps = false are not served: they cost nine more forwards, and no known latent model's
// config asks for them.

import { makeTrainSchedule } from './betas';
import { readConfig, type ConfigReader } from './config';
import { noiseFactors, readUnit } from './predictions';
import { spaceTimesteps } from './timesteps';
import type { PredictionType, ScheduleOptions, SchedulerConfig, StepCoefficients, StepTable } from './types';

const READER: ConfigReader = { scheduler: 'PLMS', spacing: 'leading', follows: { skip_prk_steps: [true] } };

/** Factors of p and of those before it, newest first (Adams–Bashforth of order 1 to 4). */
const WEIGHTS = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]] as const;

/** Karras' spacing does not apply: the steps are whole training timesteps. */
export function pndm(
  config: SchedulerConfig,
  steps: number,
  { skipped = 0 }: Pick<ScheduleOptions, 'skipped'>,
): StepTable {
  const read = readConfig(config, steps, READER);
  const { predictionType } = read;
  const { alphasCumprod } = makeTrainSchedule(read);
  const timesteps = spaceTimesteps(read, steps, { extraPoint: false, whole: true });
  const finalTotal = config.set_alpha_to_one ? 1 : alphasCumprod[0]!;
  const stride = Math.floor(read.trainTimesteps / steps);
  const transferFrom = (timestep: number) =>
    transfer(
      predictionType,
      alphasCumprod[timestep]!,
      timestep >= stride ? alphasCumprod[timestep - stride]! : finalTotal,
    );
  const record = (step: number, timestep: number, next: StepCoefficients['next']): StepCoefficients => {
    const total = alphasCumprod[timestep]!;
    return {
      step,
      ...readUnit(predictionType, timestep, Math.sqrt(total), Math.sqrt(1 - total)),
      next,
      keep: { prediction: 1 },
    };
  };

  const calls = [...timesteps.slice(0, 2), ...timesteps.slice(1)].slice(skipped);
  return {
    initNoiseSigma: 1,
    steps: calls.map((timestep, call) => {
      const { sample, prediction } = transferFrom(timestep);
      if (call === 1) {
        const [first, again] = [transferFrom(calls[0]!), transferFrom(timestep + stride)];
        return record(skipped, timestep, {
          sample: again.sample / first.sample,
          prediction: again.prediction / 2,
          history: [again.prediction / 2 - (again.sample * first.prediction) / first.sample],
        });
      }
      const step = Math.max(0, call - 1);
      const [own, ...earlier] = WEIGHTS[Math.min(step, WEIGHTS.length - 1)]!;
      // Up to the fourth step p₀ lies one record further back: the second record's own p is left out.
      if (step > 0 && step < WEIGHTS.length) earlier.splice(-1, 0, 0);
      return record(skipped + step, timestep, {
        sample,
        prediction: prediction * own,
        history: earlier.map((weight) => prediction * weight),
      });
    }),
  };
}

/** x′ as factors of x and p̄. */
function transfer(type: PredictionType, total: number, nextTotal: number): { sample: number; prediction: number } {
  const ofNoise = (total - nextTotal) / (total * Math.sqrt(1 - nextTotal) + Math.sqrt(total * (1 - total) * nextTotal));
  const noise = noiseFactors(type, Math.sqrt(total), Math.sqrt(1 - total));
  return { sample: Math.sqrt(nextTotal / total) + ofNoise * noise.sample, prediction: ofNoise * noise.prediction };
}
