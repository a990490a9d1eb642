// Steps as they come back from storage: whole, or not at all.

import { expect, test } from 'vitest';
import type { StepTrace } from '../protocol/runSteps';
import { bytesOfSteps, readSteps, type KeptSteps } from './keptSteps';

const picture = { width: 2, height: 1, rgba: new Uint8ClampedArray(8) };
const trace = (step: number): StepTrace => ({
  step,
  sigma: 1,
  pagScale: 3,
  withPag: picture,
  withoutPag: null,
  perturbed: picture,
  push: { width: 2, height: 1, values: new Float32Array(2) },
  norms: { cfg: null, pag: 0.5 },
});
const state = { record: 1, latents: new Float32Array(4), history: new Float32Array(8) };
const steps: KeptSteps = {
  images: [{ of: 'withPag', latents: new Float32Array(4), states: [state] }],
  traces: [trace(0), trace(1)],
};

const part = { left: 0.25, top: 0, right: 1, bottom: 0.5 };
const within = (own: object) => {
  const [one] = steps.traces;
  return { ...steps, traces: [{ ...one, push: { ...one!.push, within: { ...part, ...own } } }] };
};

test('they come back as they were stored, and their size is counted', () => {
  expect(readSteps(structuredClone(steps))).toEqual(steps);
  expect(readSteps(structuredClone(within({})))).toEqual(within({}));
  expect(bytesOfSteps(steps)).toBe(16 + 16 + 32 + 2 * (8 + 8 + 8));
});

const [first] = steps.traces as [StepTrace];
const [image] = steps.images;
test.each([
  ['nothing', undefined],
  ['no images', { traces: steps.traces }],
  ['no steps', { ...steps, traces: [] }],
  ['a step that is missing', { ...steps, traces: [trace(0), trace(2)] }],
  ['a picture that is cut', { ...steps, traces: [{ ...first, withPag: { ...picture, height: 2 } }] }],
  ['a push that is cut', { ...steps, traces: [{ ...first, push: { ...first.push, width: 3 } }] }],
  ['a push beyond the picture', within({ right: 1.5 })],
  ['a push on a part without an edge', within({ top: undefined })],
  ['a push on a part whose edge is no number', within({ left: '0' })],
  ['a push on a part of NaN', within({ bottom: NaN })],
  ['a push on a part without height', within({ top: 0.5 })],
  ['norms that are none', { ...steps, traces: [{ ...first, norms: {} }] }],
  ['latents of another kind', { ...steps, images: [{ ...image, latents: [1, 2] }] }],
  ['a state without a record', { ...steps, images: [{ ...image, states: [{ ...state, record: 'one' }] }] }],
])('of steps with %s none is there', (_, stored) => {
  expect(readSteps(stored)).toBeNull();
});
