// What latents look like without a decoder: at each place rgb = Σ_c latent_c·F_c + bias, in [−1, 1], of latents as they
// are sampled (not divided by the VAE's scaling_factor). For the latents of Stable Diffusion the factors are
// published; for others they are fitted to what the VAE itself makes of noise, by least squares.

export type Rgb = readonly [number, number, number];

export interface LatentColours {
  /** F, a row for each channel of the latents. */
  readonly factors: readonly Rgb[];
  readonly bias: Rgb;
}

/** Source: ComfyUI's latent_formats.py, SD15 (2.x has the same latents). */
const SD: LatentColours = {
  factors: [
    [0.3512, 0.2297, 0.3227],
    [0.325, 0.4974, 0.235],
    [-0.2829, 0.1762, 0.2721],
    [-0.212, -0.2616, -0.7177],
  ],
  bias: [0, 0, 0],
};

/** Source: as above, SDXL. */
const SDXL: LatentColours = {
  factors: [
    [0.3651, 0.4232, 0.4341],
    [-0.2533, -0.0042, 0.1068],
    [0.1076, 0.1111, -0.0362],
    [-0.3165, -0.2492, -0.2188],
  ],
  bias: [0.1084, -0.0175, -0.0011],
};

/** Both are of one architecture; what tells their latents apart is their scale. */
const WIDTHS = '128,256,512,512';
const BY_SCALING: ReadonlyMap<number, LatentColours> = new Map([
  [0.18215, SD],
  [0.13025, SDXL],
]);

/** Of a VAE with these widths a level; null where none are published. */
export function publishedColours(channels: number, scaling: number, widths: readonly number[]): LatentColours | null {
  return channels === 4 && widths.join() === WIDTHS ? (BY_SCALING.get(scaling) ?? null) : null;
}

/** One picture: latents [channels, places] and what is seen there, [3, places] in [−1, 1]. */
export interface ColourSample {
  readonly latents: Float32Array;
  readonly rgb: Float32Array;
}

/** Least squares over all places of all samples, by the normal equations in f64. */
export function fitColours(samples: readonly ColourSample[], channels: number): LatentColours {
  const unknowns = channels + 1;
  /** AᵀA beside AᵀB. */
  const rows = Array.from({ length: unknowns }, () => new Float64Array(unknowns + 3));
  const place = new Float64Array(unknowns + 3);
  for (const { latents, rgb } of samples) {
    const places = latents.length / channels;
    for (let at = 0; at < places; at += 1) {
      for (let channel = 0; channel < channels; channel += 1) place[channel] = latents[channel * places + at]!;
      place[channels] = 1;
      for (let colour = 0; colour < 3; colour += 1) place[unknowns + colour] = rgb[colour * places + at]!;
      for (const [index, row] of rows.entries()) {
        for (let column = 0; column < row.length; column += 1) row[column]! += place[index]! * place[column]!;
      }
    }
  }
  eliminate(rows);
  const solved = rows.map((row): Rgb => [row[unknowns]!, row[unknowns + 1]!, row[unknowns + 2]!]);
  return { factors: solved.slice(0, channels), bias: solved[channels]! };
}

/** Gauss and Jordan: what is symmetric and positive definite needs no pivoting. A direction without data stays 0. */
function eliminate(rows: readonly Float64Array[]): void {
  const most = Math.max(...rows.map((row, index) => row[index]!));
  for (const [index, row] of rows.entries()) {
    const pivot = row[index]!;
    if (!(pivot > 1e-12 * most)) {
      row.fill(0);
      continue;
    }
    for (let column = 0; column < row.length; column += 1) row[column]! /= pivot;
    for (const [other, target] of rows.entries()) {
      const factor = target[index]!;
      if (other === index || factor === 0) continue;
      for (let column = 0; column < target.length; column += 1) target[column]! -= factor * row[column]!;
    }
  }
}

/** [3, places] in about [−1, 1], of latents [channels, places]. */
export function inColours(latents: Float32Array, { factors, bias }: LatentColours): Float32Array {
  const places = latents.length / factors.length;
  const rgb = new Float32Array(3 * places);
  for (let colour = 0; colour < 3; colour += 1) {
    const plane = rgb.subarray(colour * places, (colour + 1) * places).fill(bias[colour]!);
    for (const [channel, factor] of factors.entries()) {
      const weight = factor[colour]!;
      const at = channel * places;
      for (let index = 0; index < places; index += 1) plane[index]! += weight * latents[at + index]!;
    }
  }
  return rgb;
}
