// How many steps each program runs of a start image: what each of them does is written down from its source (A1111's
// setup_img2img_steps, ComfyUI's KSampler.set_steps, diffusers' get_timesteps).

import { expect, test } from 'vitest';
import { stepsRun } from '../diffusion/runPlan';
import { a1111Denoising, a1111StepsRun, comfyDenoise, comfySteps, strengthOf } from './strengths';

/** Steps that are run, and of how many. */
const ALL = Array.from({ length: 150 }, (_, at) => at + 1).flatMap((steps) =>
  Array.from({ length: steps }, (_, at) => [at + 1, steps] as const),
);

test.each([
  [0.75, 20, 'euler', 16],
  [0.5, 20, 'euler', 11],
  [0.04, 20, 'dpmpp-2m', 1],
  [1, 20, 'euler-a', 20],
  [0.75, 20, 'ddim', 15],
  [1, 20, 'unipc', 19],
] as const)('A1111 at a denoising strength of %d of %d steps, %s: %d', (denoising, steps, scheduler, run) => {
  expect(a1111StepsRun(denoising, steps, scheduler)).toBe(run);
});

test('its number is the one that runs as many steps, but for all steps of a sampler with timesteps of its own', () => {
  expect(a1111Denoising(15, 20, 'euler')).toBe(0.7);
  expect(a1111Denoising(15, 20, 'ddim')).toBe(0.75);
  expect(a1111Denoising(20, 20, 'ddim')).toBeNull();
  const wrong = ALL.filter(([run, steps]) => {
    const denoising = a1111Denoising(run, steps, 'euler') ?? NaN;
    return Math.trunc(Math.min(denoising, 0.999) * steps) + 1 !== run;
  });
  expect(wrong).toEqual([]);
});

test.each([
  [20, 0.75, 26],
  [20, 0.5, 40],
  [30, 0.4, 75],
  [20, 1, 20],
])('ComfyUI runs %d steps at a denoise of %d of %d', (run, denoise, steps) => {
  expect(comfySteps(run, denoise)).toBe(steps);
});

test('each number of steps of each number has a denoise and a strength, of few digits', () => {
  expect([comfyDenoise(12, 20), strengthOf(12, 20), strengthOf(29, 50)]).toEqual([0.6, 0.6, 0.59]);
  const wrong = ALL.filter(([run, steps]) => {
    const strength = strengthOf(run, steps);
    const isShort = String(strength).length <= 5;
    return !isShort || stepsRun(steps, { strength }) !== run || Math.trunc(run / comfyDenoise(run, steps)) !== steps;
  });
  expect(wrong).toEqual([]);
});
