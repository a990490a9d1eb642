// What the steps of a run came to, kept with its pictures where that is small: for the timeline, and to go on from.
// What is read back is checked: of steps that are damaged none is there, and the pictures are as they were.

import type { PicturePart, Pixels, Push } from '../protocol/pictureData';
import type { Estimate, ImageState, LeftImage, StepLatents, StepTrace } from '../protocol/runSteps';
import { asRecord } from '../settings/pagOptions';

export interface KeptSteps {
  /** None where they are too much, or there is nothing to go on from. */
  readonly images: readonly LeftImage[];
  readonly traces: readonly StepTrace[];
}

/** Of steps: the first had pictures in the place of latents, and numbers as f32 of where PAG pushes. */
const FORMAT = 2;

/** Bytes of one run's. */
const MOST_BYTES = 8 * 2 ** 20;

/** What of a run's is small enough; null where nothing is, or there are no steps. */
export function smallSteps({ images, traces }: KeptSteps): KeptSteps | null {
  const fits = (steps: KeptSteps) => bytesOfSteps(steps) <= MOST_BYTES;
  if (traces.length === 0) return null;
  return (
    [
      { images, traces },
      { images: [], traces },
    ].find(fits) ?? null
  );
}

export function bytesOfSteps({ images, traces }: KeptSteps): number {
  const ofImages = images.map(({ latents, states }) =>
    states.reduce((sum, state) => sum + state.latents.byteLength + state.history.byteLength, latents.byteLength),
  );
  const ofTraces = traces.map(({ withPag, withoutPag, perturbed, push }) =>
    [withPag, withoutPag, perturbed].reduce((sum, one) => sum + (one ? bytesOf(one) : 0), push?.values.byteLength ?? 0),
  );
  return [...ofImages, ...ofTraces].reduce((sum, bytes) => sum + bytes, 0);
}

function bytesOf(estimate: Estimate): number {
  return 'halves' in estimate ? estimate.halves.byteLength : estimate.rgba.byteLength;
}

/** As they are stored. */
export function storedSteps(steps: KeptSteps): object {
  return { format: FORMAT, ...steps };
}

/** null where there are none, they are damaged, or a later version has written them. Throws nothing. */
export function readSteps(value: unknown): KeptSteps | null {
  const { format = 1, images, traces } = asRecord(value);
  if (!Array.isArray(traces) || (format !== 1 && format !== FORMAT)) return null;
  const read: readonly unknown[] = format === 1 ? traces.map(ofFirstFormat) : traces;
  if (!isListOf(images, isLeftImage) || !isListOf(read, isTrace)) return null;
  const isInOrder = read.every(({ step }, at) => step === at);
  return isInOrder && read.length > 0 ? { images, traces: read } : null;
}

/** In the form of today, to be checked as that. */
function ofFirstFormat(trace: unknown): unknown {
  const { push, ...step } = asRecord(trace);
  const { within, values, ...size } = asRecord(push);
  const told = { ...step, colours: null, ...(within !== undefined && { within }) };
  if (!(values instanceof Float32Array)) return { ...told, push };
  const most = values.reduce((one, other) => Math.max(one, other), 0);
  const bytes = Uint8Array.from(values, (one) => (most === 0 ? 0 : Math.round((255 * one) / most)));
  return { ...told, push: { ...size, most, values: bytes } };
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
  const { step, sigma, pagScale, withPag, withoutPag, perturbed, push, norms, colours, within } = asRecord(value);
  const { cfg, pag } = asRecord(norms);
  return (
    Number.isInteger(step) &&
    typeof sigma === 'number' &&
    typeof pagScale === 'number' &&
    isEstimate(withPag) &&
    [withoutPag, perturbed].every((one) => one === null || isEstimate(one)) &&
    (push === null || isPush(push)) &&
    [cfg, pag].every((norm) => norm === null || typeof norm === 'number') &&
    (colours === null || isColours(colours, withPag)) &&
    (within === undefined || isPart(within))
  );
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isEstimate(value: unknown): value is Estimate {
  return isPicture(value) || isStepLatents(value);
}

function isPicture(value: unknown): value is Pixels {
  const { width, height, rgba } = asRecord(value);
  return rgba instanceof Uint8ClampedArray && rgba.length > 0 && rgba.length === 4 * Number(width) * Number(height);
}

function isStepLatents(value: unknown): value is StepLatents {
  const { dims, halves } = asRecord(value);
  if (!(halves instanceof Uint16Array) || !Array.isArray(dims) || dims.length !== 3) return false;
  const all = dims.reduce(
    (product: number, dim) => product * (Number.isInteger(dim) && dim > 0 ? Number(dim) : NaN),
    1,
  );
  return all === halves.length;
}

function isPush(value: unknown): value is Push {
  const { width, height, most, values } = asRecord(value);
  return values instanceof Uint8Array && isNumber(most) && values.length === Number(width) * Number(height);
}

/** A row for each channel. */
function isColours(value: unknown, estimate: Estimate): boolean {
  const { factors, bias } = asRecord(value);
  const isRgb = (row: unknown) => Array.isArray(row) && row.length === 3 && row.every(isNumber);
  const fits = !('halves' in estimate) || (Array.isArray(factors) && factors.length === estimate.dims[0]);
  return Array.isArray(factors) && factors.every(isRgb) && isRgb(bias) && fits;
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
