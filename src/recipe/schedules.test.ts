// The schedules of A1111 and ComfyUI: figures of their own code for SD's betas, 20 steps (k-diffusion,
// comfy/samplers.py).

import { expect, test } from 'vitest';
import { INITIAL_RECIPE } from '../settings/fields';
import { makeRecipe } from './recipe';
import { levelsOf, runLevels, type RunLevels } from './schedules';

const scheduler = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };
const levels = (sigmas: 'model' | 'beta') =>
  runLevels(
    makeRecipe({
      appVersion: '0',
      model: { id: 'm', revision: null },
      size: { width: 8, height: 8 },
      sites: [],
      backend: 'wasm',
      adapter: 'CPU',
      versions: {},
      scheduler,
      settings: {
        ...INITIAL_RECIPE,
        prompt: '',
        negativePrompt: '',
        emphasis: 'plain',
        seed: 0,
        steps: 20,
        guidanceScale: 3,
        pagScale: 0,
        layers: 'mid',
        scheduler: 'euler',
        sigmas,
        spacing: 'linspace',
      },
    }),
  ) as RunLevels;
const { train } = levels('model');

test('all begin at the noisiest level but ddim, which begins at timestep 951', () => {
  for (const name of ['uniform', 'sgm-uniform', 'simple', 'karras', 'exponential', 'beta', 'comfy-beta'] as const) {
    expect(levelsOf(name, train, 20)[0]).toBeCloseTo(14.6146, 3);
    expect(levelsOf(name, train, 20)).toHaveLength(20);
  }
  expect(levelsOf('ddim', train, 20)[0]).toBe(train[951]);
  // 1 + 33·k below 1000: one step more than was asked for.
  expect(levelsOf('ddim', train, 30)).toHaveLength(31);
});

test("ComfyUI's beta is not the run's: 2.62 instead of 8.91 at the ninth step", () => {
  expect(levelsOf('comfy-beta', train, 20)[8]).toBeCloseTo(2.62, 2);
  expect(levels('beta').run[8]).toBeCloseTo(8.91, 2);
  expect(levelsOf('beta', train, 20)[8]).toBeCloseTo(8.91, 2);
});
