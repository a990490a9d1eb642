// The goldens of rescaled guidance, and which settings each of them was made with (fixtures/guidance/make_golden.py).

import { readFileSync } from 'node:fs';
import type { CombinedImage, NonlinearGuidance } from '../../diffusion/guidance';
import type { RescaledGuidanceShape } from '../rescaledGuidance';

export const GOLDEN = JSON.parse(readFileSync('fixtures/guidance/golden.json', 'utf8')) as {
  readonly shape: readonly [number, number, number];
  readonly denoised: { readonly sample: number; readonly prediction: number };
  readonly guidanceScale: number;
  readonly pagScale: number;
  readonly rows: readonly number[];
  readonly latents: readonly number[];
  readonly cases: Readonly<Record<string, readonly number[]>>;
};

const [channels, height, width] = GOLDEN.shape;
export const SHAPE: RescaledGuidanceShape = { rows: 3, channels, height, width };

const whole: CombinedImage = {
  uncond: 0,
  cond: 1,
  perturbed: 2,
  guidanceScale: GOLDEN.guidanceScale,
  pagScale: GOLDEN.pagScale,
};
const off: NonlinearGuidance = { rescale: { mode: 'off' }, guidanceRescale: 0 };

export const CASES: readonly {
  readonly name: string;
  readonly image: CombinedImage;
  readonly guidance: NonlinearGuidance;
}[] = [
  { name: 'full', image: whole, guidance: { ...off, rescale: { mode: 'full', amount: 0.7 } } },
  { name: 'partial', image: whole, guidance: { ...off, rescale: { mode: 'partial', amount: 0.7 } } },
  {
    name: 'full without CFG',
    image: { ...whole, uncond: null, guidanceScale: 1 },
    guidance: { ...off, rescale: { mode: 'full', amount: 0.7 } },
  },
  { name: 'snf', image: whole, guidance: { ...off, rescale: { mode: 'snf' } } },
  { name: 'guidance_rescale', image: whole, guidance: { ...off, guidanceRescale: 0.7 } },
  {
    name: 'CFG alone, guidance_rescale',
    image: { ...whole, perturbed: null, pagScale: 0 },
    guidance: { ...off, guidanceRescale: 0.7 },
  },
];

/** The largest distance of `got` to a golden. */
export function maxDifferenceTo(name: string, got: Float32Array): number {
  const wanted = GOLDEN.cases[name]!;
  if (got.length !== wanted.length) return Infinity;
  return got.reduce((worst, value, i) => Math.max(worst, Math.abs(value - wanted[i]!)), 0);
}
