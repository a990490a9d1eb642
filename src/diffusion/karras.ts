// Karras' noise levels: evenly spaced in σ^(1/ρ) with ρ = 7, so that more steps fall on the small σ where
// detail is made. "Elucidating the Design Space of Diffusion-Based Generative Models" (arXiv 2206.00364),
// eq. 5. The model wants timesteps, so each σ is turned back into the timestep that has it.

const RHO = 7;

/** `steps` noise levels from sigmaMax down to sigmaMin; a single one is sigmaMax. */
export function karrasSigmas(steps: number, sigmaMax: number, sigmaMin: number): number[] {
  const high = sigmaMax ** (1 / RHO);
  const low = sigmaMin ** (1 / RHO);
  return Array.from({ length: steps }, (_, i) => {
    const ramp = steps === 1 ? 0 : i / (steps - 1);
    return (high + ramp * (low - high)) ** RHO;
  });
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
