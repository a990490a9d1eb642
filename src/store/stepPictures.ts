// Pictures of the steps that runs have kept as latents: at once, and coarse, by the linear map to colours that came
// with them; whole by the VAE of the model that is loaded, for those who wait for it.

import { create } from 'zustand';
import { inColours } from '../diffusion/latentColours';
import { inPart, smaller } from '../image/partPicture';
import { toPixels } from '../image/pixels';
import { withoutAlpha } from '../image/startPicture';
import { float16ToFloat32 } from '../kernels/float16';
import { POCKET } from '../models/catalog';
import type { PicturePart, Pixels } from '../protocol/pictureData';
import type { Estimate, StepLatents, StepTrace } from '../protocol/runSteps';
import type { Job, Shown } from './job';
import { useStore } from './store';

declare const __APP_VERSION__: string;

interface StepPictures {
  /** The oldest first. */
  readonly decoded: ReadonlyMap<StepLatents, Pixels>;
  /** Why the last one could not be decoded, as a sentence. */
  readonly failure: string | null;
}

/** Of decoded pictures: a few dozen of 512 × 512. */
const MOST_BYTES = 64 * 2 ** 20;
/** Pixels of a picture that is decoded in no time. */
const SMALL = 256 ** 2;

export const useStepPictures = create<StepPictures>()(() => ({ decoded: new Map(), failure: null }));

/** Where decoding takes no time, or there is nothing else to show. */
export function decodesAtOnce({ size }: Pick<Shown, 'size'>, { colours }: Pick<StepTrace, 'colours'>): boolean {
  return colours === null || size.width * size.height <= SMALL;
}

/** Why steps cannot be decoded, as a sentence; null where they can. */
export function whyNotDecoded({ shown, model }: Pick<Job, 'shown' | 'model'>): string | null {
  if (!shown) return null;
  if (!model) return 'Steps are shown coarsely until the model is loaded.';
  if (model.id !== shown.ref)
    return 'Steps are shown coarsely: the model that is loaded is not the one that made this pair.';
  const isOther = model.id === POCKET.id && shown.recipe && shown.recipe.appVersion !== __APP_VERSION__;
  return isOther ? 'Steps are shown coarsely: an earlier version of the built-in model made this pair.' : null;
}

/**
 * Decodes what is not there yet, one after the other. Throws nothing.
 * @returns whether all of them are there
 */
export async function decodeSteps(
  modelId: string,
  latents: readonly StepLatents[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const one of latents) if (!(await decodedPicture(modelId, one, signal))) return false;
  return true;
}

/** null where it cannot be had; an error is kept as `failure`. Throws nothing. */
export async function decodedPicture(
  modelId: string,
  latents: StepLatents,
  signal: AbortSignal,
): Promise<Pixels | null> {
  const there = useStepPictures.getState().decoded.get(latents);
  if (there) return there;
  try {
    const picture = await useStore.getState().decode(modelId, latents, signal);
    if (picture)
      useStepPictures.setState(({ decoded }) => ({ decoded: withOne(decoded, latents, picture), failure: null }));
    return picture;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    useStepPictures.setState({ failure: `This step could not be decoded. ${why}` });
    return null;
  }
}

/** The oldest make room. */
function withOne(decoded: StepPictures['decoded'], latents: StepLatents, picture: Pixels): StepPictures['decoded'] {
  const all = [...decoded, [latents, picture] as const];
  let bytes = 0;
  const newest = all.reverse().filter(([, { rgba }]) => (bytes += rgba.byteLength) <= MOST_BYTES);
  return new Map(newest.reverse());
}

export function latentsOf(estimates: readonly (Estimate | null)[]): StepLatents[] {
  return estimates.filter((one): one is StepLatents => one !== null && 'halves' in one);
}

/**
 * What there is to show of an estimate of a step; null where that is nothing.
 * @param decoded its picture, where it is decoded
 * @param whole the picture in which the run has made a part
 */
export function stepPicture(
  estimate: Estimate | null,
  { colours, within }: Pick<StepTrace, 'colours' | 'within'>,
  decoded: Pixels | undefined,
  whole: Pixels,
): Pixels | null {
  if (!estimate || 'rgba' in estimate) return estimate;
  const picture = decoded ?? coarse(estimate, colours);
  return picture && within ? placed(picture, within, whole) : picture;
}

const coarseOf = new WeakMap<StepLatents, Pixels>();

function coarse(latents: StepLatents, colours: StepTrace['colours']): Pixels | null {
  if (!colours) return null;
  const [, height, width] = latents.dims;
  const picture =
    coarseOf.get(latents) ?? toPixels(inColours(float16ToFloat32(latents.halves), colours), 3, height, width);
  coarseOf.set(latents, picture);
  return picture;
}

const placedOf = new WeakMap<Pixels, Pixels>();

function placed(picture: Pixels, { left, top, right, bottom }: PicturePart, whole: Pixels): Pixels {
  const there = placedOf.get(picture);
  if (there) return there;
  const { width, height, rgba } = whole;
  const [x, y] = [(part: number) => Math.round(part * width), (part: number) => Math.round(part * height)];
  const box = {
    left: x(left),
    top: y(top),
    right: Math.max(x(left) + 1, x(right)),
    bottom: Math.max(y(top) + 1, y(bottom)),
  };
  const made = inPart(smaller({ width, height, rgb: withoutAlpha(rgba) }, box, picture.width), picture);
  placedOf.set(picture, made);
  return made;
}
