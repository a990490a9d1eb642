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

test('they come back as they were stored, and their size is counted', () => {
  expect(readSteps(structuredClone(steps))).toEqual(steps);
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
  ['norms that are none', { ...steps, traces: [{ ...first, norms: {} }] }],
  ['latents of another kind', { ...steps, images: [{ ...image, latents: [1, 2] }] }],
  ['a state without a record', { ...steps, images: [{ ...image, states: [{ ...state, record: 'one' }] }] }],
])('of steps with %s none is there', (_, stored) => {
  expect(readSteps(stored)).toBeNull();
});
