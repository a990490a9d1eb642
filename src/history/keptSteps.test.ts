// Steps as they come back from storage: whole, or not at all.

import { expect, test } from 'vitest';
import type { StepTrace } from '../protocol/runSteps';
import { bytesOfSteps, readSteps, smallSteps, storedSteps, type KeptSteps } from './keptSteps';

const latents = { dims: [4, 1, 2], halves: new Uint16Array(8) } as const;
const colours = { factors: Array.from({ length: 4 }, () => [1, 0, 0.5] as const), bias: [0, 0, 0] } as const;
const part = { left: 0, top: 0.5, right: 1, bottom: 1 };
const trace = (step: number): StepTrace => ({
  step,
  sigma: 1,
  pagScale: 3,
  withPag: latents,
  withoutPag: null,
  perturbed: latents,
  push: { width: 2, height: 1, most: 0.5, values: new Uint8Array(2) },
  norms: { cfg: null, pag: 0.5 },
  colours,
  within: part,
});
const state = { record: 1, latents: new Float32Array(4), history: new Float32Array(8) };
const steps: KeptSteps = {
  images: [{ of: 'withPag', latents: new Float32Array(4), states: [state] }],
  traces: [trace(0), trace(1)],
};

const stored = storedSteps(steps);

test('they come back as they were stored, and their size is counted', () => {
  expect(readSteps(structuredClone(stored))).toEqual(steps);
  expect(bytesOfSteps(steps)).toBe(16 + 16 + 32 + 2 * (16 + 16 + 2));
});

test('pictures of steps, which the first version kept, come back as they are', () => {
  const picture = { width: 2, height: 1, rgba: new Uint8ClampedArray(8).fill(7) };
  const pushed = { width: 2, height: 1, values: Float32Array.of(0.5, 2), within: part };
  const told = { step: 0, sigma: 1, pagScale: 3, norms: { cfg: 2, pag: 0.5 } };
  const pictures = { withPag: picture, withoutPag: picture, perturbed: picture };
  const first = { images: steps.images, traces: [{ ...told, ...pictures, push: pushed }] };
  const push = { width: 2, height: 1, most: 2, values: Uint8Array.of(64, 255) };
  expect(readSteps(structuredClone(first))).toEqual({
    images: steps.images,
    traces: [{ ...told, ...pictures, push, colours: null, within: part }],
  });
  const plain = { ...told, withPag: picture, withoutPag: null, perturbed: null, push: null };
  expect(readSteps({ images: [], traces: [plain] })?.traces).toEqual([{ ...plain, colours: null }]);
});

test('of too much what is needed to go on is left out first, and then all of it', () => {
  const bytes = 8 * 2 ** 20;
  const large = (halves: number): StepTrace => ({
    ...trace(0),
    withPag: { dims: [1, 1, halves], halves: new Uint16Array(halves) },
    perturbed: null,
    push: null,
  });
  const whole = { images: steps.images, traces: [large(bytes / 2 - 32)] };
  expect(bytesOfSteps(whole)).toBe(bytes);
  expect(smallSteps(whole)).toEqual(whole);
  const more = { images: steps.images, traces: [large(bytes / 2 - 31)] };
  expect(smallSteps(more)).toEqual({ images: [], traces: more.traces });
  expect(smallSteps({ images: [], traces: [large(bytes / 2 + 1)] })).toBeNull();
  expect(smallSteps({ images: steps.images, traces: [] })).toBeNull();
});

const [first] = steps.traces as [StepTrace];
const [image] = steps.images;
const withFirst = (changes: object) => ({ ...stored, traces: [{ ...first, ...changes }] });
test.each([
  ['nothing', undefined],
  ['no images', { ...stored, images: undefined }],
  ['no steps', { ...stored, traces: [] }],
  ['a later version', { ...stored, format: 3 }],
  ['a step that is missing', { ...stored, traces: [trace(0), trace(2)] }],
  ['latents that are cut', withFirst({ withPag: { ...latents, dims: [4, 2, 2] } })],
  ['latents without sizes', withFirst({ withPag: { ...latents, dims: [4, 'one', 2] } })],
  ['latents of another kind', withFirst({ perturbed: { ...latents, halves: new Float32Array(8) } })],
  ['a picture that is cut', withFirst({ withPag: { width: 2, height: 2, rgba: new Uint8ClampedArray(8) } })],
  ['a push that is cut', withFirst({ push: { ...first.push, width: 3 } })],
  ['a push of another kind', withFirst({ push: { ...first.push, values: new Float32Array(2) } })],
  ['norms that are none', withFirst({ norms: {} })],
  ['colours of other latents', withFirst({ colours: { ...colours, factors: colours.factors.slice(1) } })],
  ['colours that are none', withFirst({ colours: { ...colours, bias: [0, 0] } })],
  ['a part beyond the picture', withFirst({ within: { ...part, right: 1.5 } })],
  ['a part without an edge', withFirst({ within: { ...part, top: undefined } })],
  ['a part whose edge is no number', withFirst({ within: { ...part, left: '0' } })],
  ['a part of NaN', withFirst({ within: { ...part, bottom: NaN } })],
  ['a part without height', withFirst({ within: { ...part, top: 1 } })],
  ['latents to go on from of another kind', { ...stored, images: [{ ...image, latents: [1, 2] }] }],
  ['a state without a record', { ...stored, images: [{ ...image, states: [{ ...state, record: 'one' }] }] }],
])('of steps with %s none is there', (_, damaged) => {
  expect(readSteps(damaged)).toBeNull();
});
