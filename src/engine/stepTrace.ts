// What a step came to, image by image: the denoised estimates after guidance and of the perturbed prediction that PAG
// steers away from, how far the predictions are apart, and where. Of the rows' predictions ε_∅, ε_c, ε̂ and latents x,
//
//   x₀(ε) = a·x + b·ε   (a, b of the scheduler's record)     push(y, x) = mean over channels of |ε_c − ε̂|
//
// Each run keeps it, as latents: pictures are made of them when they are looked at.

import type { LatentColours } from '../diffusion/latentColours';
import type { PlannedRecord } from '../diffusion/runPlan';
import { float32ToFloat16 } from '../kernels/float16';
import type { PicturePart, Push } from '../protocol/pictureData';
import type { Estimate, StepLatents, StepTrace } from '../protocol/runSteps';

/** Of one image: its own rows alone say it, so that it is the same whatever runs beside it. */
export interface ImageStep extends Pick<StepTrace, 'step' | 'sigma' | 'pagScale' | 'perturbed' | 'push' | 'norms'> {
  readonly estimate: Estimate;
}

/** Of one record, read back from the device. */
export interface RecordValues {
  /** [rows, channels, height, width]. */
  readonly predictions: Float32Array;
  /** Before the record, [images, channels, height, width]. */
  readonly latents: Float32Array;
  /** The same, after guidance. */
  readonly denoised: Float32Array;
}

/** Where the rows of an image lie among those of a record; null where there is none. */
export interface TracedRows {
  readonly uncond: number | null;
  readonly cond: number;
  readonly perturbed: number | null;
}

type Rows = Pick<PlannedRecord, 'base' | 'siteRows'>;

/**
 * @param image of `images`, the last of which is the one with PAG. While all read the same latents the first one's rows
 * are those of all.
 */
export function tracedRows({ base, siteRows }: Rows, image: number, images: number): TracedRows {
  const latents = base.some((row) => row.image === image) ? image : 0;
  const find = (context: 'cond' | 'uncond') => {
    const at = siteRows.findIndex(({ source, identity }) => {
      const row = base[source]!;
      return identity === 0 && row.image === latents && row.context === context;
    });
    return at < 0 ? null : at;
  };
  const perturbed = image === images - 1 ? siteRows.findIndex(({ identity }) => identity > 0) : -1;
  return { uncond: find('uncond'), cond: find('cond') ?? 0, perturbed: perturbed < 0 ? null : perturbed };
}

/** One an image. @param dims of the latents of one, [channels, height, width]. */
export function imageSteps(
  { coefficients, pagScale, ...rows }: Rows & Pick<PlannedRecord, 'coefficients' | 'pagScale'>,
  { predictions, latents, denoised }: RecordValues,
  dims: StepLatents['dims'],
): ImageStep[] {
  const [channels, height, width] = dims;
  const size = channels * height * width;
  const images = latents.length / size;
  const { sample: a, prediction: b } = coefficients.denoised;
  const { clip = Infinity } = coefficients;
  return Array.from({ length: images }, (_, image) => {
    const at = tracedRows(rows, image, images);
    const row = (index: number | null) =>
      index === null ? null : predictions.subarray(index * size, (index + 1) * size);
    const own = (values: Float32Array) => values.subarray(image * size, (image + 1) * size);
    const [uncond, cond, perturbed] = [row(at.uncond), row(at.cond)!, row(at.perturbed)];
    const x = own(latents);
    const estimate = (prediction: Float32Array) =>
      prediction.map((value, index) => Math.min(clip, Math.max(-clip, a * x[index]! + b * value)));
    return {
      step: coefficients.step,
      sigma: coefficients.sigma,
      pagScale: perturbed ? pagScale : 0,
      estimate: { dims, halves: float32ToFloat16(own(denoised)) },
      perturbed: perturbed && { dims, halves: float32ToFloat16(estimate(perturbed)) },
      push: perturbed && { width, height, ...inBytes(meanOverChannels(cond, perturbed, channels)) },
      norms: { cfg: uncond && distance(cond, uncond), pag: perturbed && distance(cond, perturbed) },
    };
  });
}

/** What of a run is the same at each step. */
export interface RunOfSteps {
  readonly colours: LatentColours | null;
  /** Of the picture, that is made; null where all of it is. */
  readonly part: PicturePart | null;
}

/** A step of the run, as it is told. */
export function traceOf(
  { estimate: withPag, ...step }: ImageStep,
  withoutPag: ImageStep | null,
  { colours, part }: RunOfSteps,
): StepTrace {
  return { ...step, withPag, withoutPag: withoutPag && withoutPag.estimate, colours, ...(part && { within: part }) };
}

/** The steps of an image, of a run's as they were told. */
export function stepsOf(of: 'withPag' | 'withoutPag', traces: readonly StepTrace[]): ImageStep[] {
  return traces.flatMap(({ step, sigma, pagScale, withPag, withoutPag, perturbed, push, norms }): ImageStep[] => {
    if (of === 'withPag') return [{ step, sigma, pagScale, estimate: withPag, perturbed, push, norms }];
    const plain = { pagScale: 0, perturbed: null, push: null, norms: { cfg: null, pag: null } };
    return withoutPag ? [{ step, sigma, ...plain, estimate: withoutPag }] : [];
  });
}

export function bytesOfStep({ estimate, perturbed, push }: ImageStep): number {
  return [estimate, perturbed].reduce((sum, one) => sum + (one ? bytesOf(one) : 0), push?.values.byteLength ?? 0);
}

function bytesOf(estimate: Estimate): number {
  return 'halves' in estimate ? estimate.halves.byteLength : estimate.rgba.byteLength;
}

function inBytes(values: Float32Array): Pick<Push, 'most' | 'values'> {
  const most = values.reduce((one, other) => Math.max(one, other), 0);
  return { most, values: Uint8Array.from(values, (value) => (most === 0 ? 0 : Math.round((255 * value) / most))) };
}

function meanOverChannels(a: Float32Array, b: Float32Array, channels: number): Float32Array {
  const plane = new Float32Array(a.length / channels);
  for (let index = 0; index < a.length; index += 1)
    plane[index % plane.length]! += Math.abs(a[index]! - b[index]!) / channels;
  return plane;
}

/** ‖a − b‖₂. */
function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index]! - b[index]!) ** 2;
  return Math.sqrt(sum);
}
