// What a step came to, row by row: the denoised estimates with PAG, without it and of the perturbed prediction that PAG
// steers away from, how far the predictions are apart, and where. Of the rows' predictions ε_∅, ε_c, ε̂ and latents x,
//
//   x₀(ε) = a·x + b·ε   (a, b of the scheduler's record)     push(y, x) = mean over channels of |ε_c − ε̂|
//
// Asked for by runs whose steps are looked at: it reads the predictions back at each step.

import type { PlannedRecord } from '../diffusion/runPlan';
import type { PicturePart, Pixels } from '../protocol/pictureData';
import type { StepTrace } from '../protocol/runSteps';
import type { Backend, DeviceTensor } from './backend';
import type { DiffusionModel } from './diffusionModel';
import { pixelsPerLatent } from './latentShape';

/** Pixels of a picture. */
const SMALL = 256 ** 2;

/** Of one record, where the predictions and the latents that they were made of still lie on the device. */
export interface RowValues {
  /** [rows, channels, height, width]. */
  readonly predictions: Float32Array;
  /** [images, channels, height, width]. */
  readonly latents: Float32Array;
  readonly image: readonly number[];
}

export async function readRows(backend: Backend, predictions: DeviceTensor, latents: DeviceTensor): Promise<RowValues> {
  const [of, from] = await Promise.all([backend.read(predictions), backend.read(latents)]);
  return { predictions: of, latents: from, image: latents.dims.slice(1) };
}

/** Where the rows of the image with PAG lie among those of a record; null where there is none. */
export interface TracedRows {
  readonly uncond: number | null;
  readonly cond: number;
  readonly perturbed: number | null;
  /** Which latents they read. */
  readonly latents: number;
}

/** The last image is the one with PAG; while both read the same latents the first one's rows are its own too. */
export function tracedRows({ base, siteRows }: Pick<PlannedRecord, 'base' | 'siteRows'>): TracedRows {
  const perturbed = siteRows.findIndex(({ identity }) => identity > 0);
  const latents =
    perturbed < 0 ? Math.max(...base.map(({ image }) => image)) : base[siteRows[perturbed]!.source]!.image;
  const find = (context: 'cond' | 'uncond') => {
    const at = siteRows.findIndex(({ source, identity }) => {
      const row = base[source]!;
      return identity === 0 && row.image === latents && row.context === context;
    });
    return at < 0 ? null : at;
  };
  return { uncond: find('uncond'), cond: find('cond') ?? 0, perturbed: perturbed < 0 ? null : perturbed, latents };
}

/**
 * @param denoised the images' estimates after guidance, [images, channels, height, width]: the last is that with PAG.
 * @throws EngineError as previews do; AbortError.
 */
export async function traceStep(
  model: Pick<DiffusionModel, 'backend' | 'previews' | 'vaeDecoder' | 'files'>,
  { coefficients, pagScale, ...record }: Pick<PlannedRecord, 'coefficients' | 'pagScale' | 'base' | 'siteRows'>,
  { predictions, latents, image }: RowValues,
  denoised: DeviceTensor,
  signal: AbortSignal,
): Promise<StepTrace> {
  const [channels = 1, height = 1, width = 1] = image;
  const size = channels * height * width;
  const at = tracedRows(record);
  const row = (index: number | null) =>
    index === null ? null : predictions.subarray(index * size, (index + 1) * size);
  const [uncond, cond, perturbed] = [row(at.uncond), row(at.cond)!, row(at.perturbed)];
  const sample = latents.subarray(at.latents * size, (at.latents + 1) * size);
  const pictures = await picturesOf(model, denoised, signal);
  return {
    step: coefficients.step,
    sigma: coefficients.sigma,
    pagScale,
    withPag: pictures.at(-1)!,
    withoutPag: pictures.at(-2) ?? null,
    perturbed: perturbed && (await pictureOf(estimate(perturbed))),
    push: perturbed && { width, height, values: meanOverChannels(cond, perturbed, channels) },
    norms: { cfg: uncond && distance(cond, uncond), pag: perturbed && distance(cond, perturbed) },
  };

  function estimate(prediction: Float32Array): Float32Array {
    const { denoised: by, clip = Infinity } = coefficients;
    return sample.map((x, index) =>
      Math.min(clip, Math.max(-clip, by.sample * x + by.prediction * prediction[index]!)),
    );
  }

  async function pictureOf(values: Float32Array): Promise<Pixels> {
    const tensor = model.backend.upload('float32', [1, ...image], values);
    try {
      return (await picturesOf(model, tensor, signal))[0]!;
    } finally {
      tensor.dispose();
    }
  }
}

/** Its pictures as they are shown. @param part of them that was made; null where all of it was. */
export function placed(trace: StepTrace, place: (picture: Pixels) => Pixels, part: PicturePart | null): StepTrace {
  const { withPag, withoutPag, perturbed, push } = trace;
  return {
    ...trace,
    withPag: place(withPag),
    withoutPag: withoutPag && place(withoutPag),
    perturbed: perturbed && place(perturbed),
    push: push && part ? { ...push, within: part } : push,
  };
}

/** By the VAE itself where its pictures are small, and so decoded in no time. */
async function picturesOf(
  { previews, vaeDecoder, files }: Pick<DiffusionModel, 'previews' | 'vaeDecoder' | 'files'>,
  latents: DeviceTensor,
  signal: AbortSignal,
): Promise<readonly Pixels[]> {
  const [images, , height, width] = latents.dims as [number, number, number, number];
  const factor = pixelsPerLatent(files.vaeConfig);
  if (height * width * factor ** 2 > SMALL) return (await previews.of(latents, signal)).pictures;
  const pictures: Pixels[] = [];
  for (let at = 0; at < images; at += 1) pictures.push(await vaeDecoder.decode(latents, at, signal));
  return pictures;
}

function meanOverChannels(a: Float32Array, b: Float32Array, channels: number): Float32Array<ArrayBuffer> {
  const plane = new Float32Array(a.length / channels);
  for (const [index, value] of a.entries()) plane[index % plane.length]! += Math.abs(value - b[index]!) / channels;
  return plane;
}

/** ‖a − b‖₂. */
function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, index) => sum + (value - b[index]!) ** 2, 0));
}
