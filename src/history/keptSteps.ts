// What the steps of a run came to, kept with its pictures where that is small: for the timeline, and to go on from.
// What is read back is checked: of steps that are damaged none is there, and the pictures are as they were.

import type { PicturePart, Pixels, Push } from '../protocol/pictureData';
import type { ImageState, LeftImage, StepTrace } from '../protocol/runSteps';
import { asRecord } from '../settings/pagOptions';

export interface KeptSteps {
  readonly images: readonly LeftImage[];
  readonly traces: readonly StepTrace[];
}

/** Bytes of one run's. */
export const MOST_BYTES = 8 * 2 ** 20;

export function bytesOfSteps({ images, traces }: KeptSteps): number {
  const ofImages = images.map(({ latents, states }) =>
    states.reduce((sum, state) => sum + state.latents.byteLength + state.history.byteLength, latents.byteLength),
  );
  const ofTraces = traces.map(({ withPag, withoutPag, perturbed, push }) => {
    const pictures = [withPag, withoutPag, perturbed].map((picture) => picture?.rgba.byteLength ?? 0);
    return pictures.reduce((sum, bytes) => sum + bytes, push?.values.byteLength ?? 0);
  });
  return [...ofImages, ...ofTraces].reduce((sum, bytes) => sum + bytes, 0);
}

/** null where there are none, or they are damaged. Throws nothing. */
export function readSteps(value: unknown): KeptSteps | null {
  const { images, traces } = asRecord(value);
  if (!isListOf(images, isLeftImage) || !isListOf(traces, isTrace)) return null;
  const isInOrder = traces.every(({ step }, at) => step === at);
  return isInOrder && traces.length > 0 ? { images, traces } : null;
}

function isListOf<T>(value: unknown, is: (one: unknown) => one is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

function isLeftImage(value: unknown): value is LeftImage {
  const { of, latents, states } = asRecord(value);
  return (of === 'withPag' || of === 'withoutPag') && latents instanceof Float32Array && isListOf(states, isState);
}

function isState(value: unknown): value is ImageState {
  const { record, latents, history } = asRecord(value);
  return Number.isInteger(record) && latents instanceof Float32Array && history instanceof Float32Array;
}

function isTrace(value: unknown): value is StepTrace {
  const { step, sigma, pagScale, withPag, withoutPag, perturbed, push, norms } = asRecord(value);
  const { cfg, pag } = asRecord(norms);
  return (
    Number.isInteger(step) &&
    typeof sigma === 'number' &&
    typeof pagScale === 'number' &&
    isPicture(withPag) &&
    [withoutPag, perturbed].every((picture) => picture === null || isPicture(picture)) &&
    (push === null || isPush(push)) &&
    [cfg, pag].every((norm) => norm === null || typeof norm === 'number')
  );
}

function isPush(value: unknown): value is Push {
  const { width, height, values, within } = asRecord(value);
  const isWhole = values instanceof Float32Array && values.length === Number(width) * Number(height);
  return isWhole && (within === undefined || isPart(within));
}

function isPart(value: unknown): value is PicturePart {
  const { left, top, right, bottom } = asRecord(value);
  return [
    [left, right],
    [top, bottom],
  ].every(([from, to]) => isEdge(from) && isEdge(to) && from < to);
}

function isEdge(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function isPicture(value: unknown): value is Pixels {
  const { width, height, rgba } = asRecord(value);
  return rgba instanceof Uint8ClampedArray && rgba.length > 0 && rgba.length === 4 * Number(width) * Number(height);
}
