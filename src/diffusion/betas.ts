// The noise schedule that a model was trained with: β of every training timestep, and from it
//   ᾱ_t = Π_{i≤t} (1 − β_i)          the share of the signal's variance
//   σ_t = √((1 − ᾱ_t) / ᾱ_t)         the noise level of x₀ + σ·ε
// Rounded to f32 in the places where diffusers stores f32, so that ᾱ is bit-equal to its `alphas_cumprod`:
// in f64 throughout, the small σ would differ by 10⁻⁵ and more.

import type { ReadConfig } from './config';

const f32 = Math.fround;

/** Indexed by training timestep, 0 (nearly clean) … num_train_timesteps − 1 (nearly noise). */
export interface TrainSchedule {
  readonly alphasCumprod: Float64Array;
  readonly sigmas: Float64Array;
}

/** Throws an Error where beta_start or beta_end lead outside 0 < β < 1. */
export function makeTrainSchedule(config: ReadConfig): TrainSchedule {
  const betas = makeBetas(config);
  betas.forEach((beta, t) => {
    if (!(beta > 0 && beta < 1)) {
      throw new Error(
        `The scheduler config has beta_start = ${config.betaStart} and beta_end = ${config.betaEnd}, ` +
          `which give β = ${beta} at timestep ${t}; it must lie between 0 and 1.`,
      );
    }
  });
  const alphasCumprod = accumulate(config.zeroTerminalSnr === 'no' ? betas : toZeroTerminalSnr(betas));
  if (config.zeroTerminalSnr === 'finite') alphasCumprod[config.trainTimesteps - 1] = 2 ** -24;
  return { alphasCumprod, sigmas: alphasCumprod.map((alpha) => f32(Math.sqrt((1 - alpha) / alpha))) };
}

/** σ at a timestep that may lie between two training timesteps: linear between them, flat outside. */
export function sigmaAt(sigmas: Float64Array, timestep: number): number {
  const last = sigmas.length - 1;
  const t = Math.min(Math.max(timestep, 0), last);
  const low = Math.min(Math.floor(t), last - 1);
  return sigmas[low]! + (t - low) * (sigmas[low + 1]! - sigmas[low]!);
}

/**
 * The timestep, usually fractional, whose noise level is σ: linear in ln σ between training timesteps,
 * and the first or last one outside them.
 * @param trainSigmas ascending, indexed by training timestep.
 */
export function timestepOfSigma(sigma: number, trainSigmas: Float64Array): number {
  const above = trainSigmas.findIndex((trainSigma) => trainSigma > sigma);
  if (above === 0) return 0;
  const high = above < 0 ? trainSigmas.length - 1 : above;
  // In f32, as diffusers has these logarithms: where a timestep is cut to a whole one, the last bit decides.
  const logLow = Math.fround(Math.log(trainSigmas[high - 1]!));
  const logHigh = Math.fround(Math.log(trainSigmas[high]!));
  const share = (Math.log(sigma) - logLow) / (logHigh - logLow);
  return high - 1 + Math.min(Math.max(share, 0), 1);
}

function accumulate(betas: Float32Array): Float64Array {
  const alphasCumprod = new Float64Array(betas.length);
  let product = 1;
  betas.forEach((beta, t) => {
    product *= f32(1 - beta);
    alphasCumprod[t] = f32(product);
  });
  return alphasCumprod;
}

/**
 * The betas whose √ᾱ is moved and stretched so that it ends at 0 and begins where it did ("Common Diffusion Noise
 * Schedules and Sample Steps are Flawed", arXiv 2305.08891, algorithm 1). The last β is 1.
 */
function toZeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = Float32Array.from(accumulate(betas), Math.sqrt);
  const [first, last] = [roots[0]!, roots[roots.length - 1]!];
  const stretch = f32(first / f32(first - last));
  const bars = roots.map((root) => f32(f32(root - last) * stretch) ** 2);
  return bars.map((bar, t) => 1 - (t === 0 ? bar : f32(bar / bars[t - 1]!)));
}

function makeBetas({ trainTimesteps, betaStart, betaEnd, betaSchedule }: ReadConfig): Float32Array {
  switch (betaSchedule) {
    case 'linear':
      return linspace(betaStart, betaEnd, trainTimesteps);
    case 'scaled_linear': // the one of latent diffusion: linear in √β
      return linspace(Math.sqrt(betaStart), Math.sqrt(betaEnd), trainTimesteps).map((root) => root ** 2);
    case 'squaredcos_cap_v2': // Nichol & Dhariwal (arXiv 2102.09672), eq. 17; β capped at .999
      return Float32Array.from({ length: trainTimesteps }, (_, t) => {
        const ratio = cosineAlphaBar((t + 1) / trainTimesteps) / cosineAlphaBar(t / trainTimesteps);
        return Math.min(1 - ratio, 0.999);
      });
  }
}

/** As torch.linspace in f32, which counts from the nearer end. */
function linspace(start: number, end: number, count: number): Float32Array {
  const step = f32((f32(end) - f32(start)) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? f32(start) + step * i : f32(end) - step * (count - 1 - i),
  );
}

/** ᾱ as a function of t ∈ [0,1]. */
function cosineAlphaBar(t: number): number {
  return Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
}
