// What a prediction says, as factors of x and of the prediction. With latents of unit variance x = α·x₀ + β·ε,
// α² + β² = 1, a model predicts ε, x₀ ("sample") or v = α·ε − β·x₀ (Salimans & Ho, arXiv 2202.00512, appendix D):
//
//   epsilon        D = (x − β·p)/α     ε = p
//   v_prediction   D = α·x − β·p       ε = α·p + β·x
//   sample         D = p               ε = (x − α·p)/β
//
// A record reads x either so, or as x₀ + σ·ε: there x is 1/α as large, α = 1/√(σ² + 1) and β = σ·α.

import type { PredictionType, StepCoefficients } from './types';

type Reading = Pick<StepCoefficients, 'timestep' | 'inputScale' | 'sigma' | 'denoised'>;
type Factors = StepCoefficients['denoised'];

/** A record's part about the model, for latents of unit variance. */
export function readUnit(type: PredictionType, timestep: number, alpha: number, beta: number): Reading {
  return { timestep, inputScale: 1, sigma: beta / alpha, denoised: denoisedFactors(type, alpha, beta) };
}

/** A record's part about the model, for latents x₀ + σ·ε. The model sees unit variance, x/√(σ² + 1). */
export function readSigma(type: PredictionType, timestep: number, sigma: number): Reading {
  const inputScale = 1 / Math.hypot(sigma, 1);
  const { sample, prediction } = denoisedFactors(type, inputScale, sigma * inputScale);
  return { timestep, inputScale, sigma, denoised: { sample: sample * inputScale, prediction } };
}

/** The estimate of ε, for latents of unit variance. */
export function noiseFactors(type: PredictionType, alpha: number, beta: number): Factors {
  switch (type) {
    case 'epsilon':
      return { sample: 0, prediction: 1 };
    case 'v_prediction':
      return { sample: beta, prediction: alpha };
    case 'sample':
      return { sample: 1 / beta, prediction: -alpha / beta };
  }
}

function denoisedFactors(type: PredictionType, alpha: number, beta: number): Factors {
  switch (type) {
    case 'epsilon':
      return { sample: 1 / alpha, prediction: -beta / alpha };
    case 'v_prediction':
      return { sample: alpha, prediction: -beta };
    case 'sample':
      return { sample: 0, prediction: 1 };
  }
}
