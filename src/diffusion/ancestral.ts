// The ancestral step of k-diffusion: from σ to σ′ part of the way, to σ_down, and noise back up to σ′. Exact for the
// reverse SDE where D is constant (DDPM's posterior in σ; arXiv 2006.11239, eq. 7):
//
//   σ_up² = σ′²(σ² − σ′²)/σ²     σ_down² = σ′² − σ_up²     x′ = (σ_down/σ)·x + (1 − σ_down/σ)·D + σ_up·z

export function ancestralStep(sigma: number, next: number): { sample: number; denoised: number; noise: number } {
  const up = (next * Math.sqrt(sigma ** 2 - next ** 2)) / sigma;
  const sample = Math.sqrt(Math.max(0, next ** 2 - up ** 2)) / sigma;
  return { sample, denoised: 1 - sample, noise: up };
}
