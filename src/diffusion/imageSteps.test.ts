// Up to which record two runs make the same image.

import { expect, test } from 'vitest';
import { sameSteps, stepsOfImage } from './imageSteps';
import { PLAIN_PAG, type PagOptions } from './options';
import { planRun, type PlannedModel, type PlannedSettings } from './runPlan';

const MODEL: PlannedModel = {
  scheduler: { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', steps_offset: 1 },
  guidanceEmbedded: false,
  strengths: () => [1],
};
const SETTINGS: PlannedSettings = {
  scheduler: 'dpmpp-2m',
  sigmas: 'model',
  spacing: 'model',
  steps: 6,
  guidanceScale: 5,
  pagScale: 3,
  layers: 'mid',
  pag: PLAIN_PAG,
  compare: true,
};
const WITHOUT = 0;
const WITH = 1;

function steps(changes: Partial<PlannedSettings>, image: number): readonly string[] {
  const settings = { ...SETTINGS, ...changes };
  return stepsOfImage(planRun(settings, MODEL), settings.compare ? image : 0, settings.pag, () => '');
}

/** Of six. */
function same(one: Partial<PlannedSettings>, other: Partial<PlannedSettings>): [without: number, withPag: number] {
  return [sameSteps(steps(one, WITHOUT), steps(other, WITHOUT)), sameSteps(steps(one, WITH), steps(other, WITH))];
}
const before = (until: number, changes: object = {}) => ({
  earlier: [{ until, guidanceScale: 5, pagScale: 3, layers: 'mid', ...changes }],
});
const pag = (changes: Partial<PagOptions>) => ({ pag: { ...PLAIN_PAG, ...changes } });

test('the image without PAG is the same whatever PAG is, unless one run rescales and one does not', () => {
  const rescaled = pag({ rescale: { mode: 'full', amount: 0.5 } });
  const atFirst = pag({ rescale: { mode: 'full', amount: 0.5 }, window: { semantics: 'steps', start: 0, stop: 1 } });
  expect(same({}, { pagScale: 7 })).toEqual([6, 0]);
  expect(same(rescaled, { ...rescaled, pagScale: 7 })).toEqual([6, 0]);
  expect(same({}, rescaled)).toEqual([0, 0]);
  expect(same(rescaled, atFirst)).toEqual([3, 3]);
  expect(same({}, pag({ guidanceRescale: 0.5 }))).toEqual([0, 0]);
});

test('both are the same up to the step from which a run changes', () => {
  expect(same({}, { pagScale: 7, ...before(4) })).toEqual([6, 4]);
  expect(same({}, { guidanceScale: 2, ...before(4) })).toEqual([4, 4]);
  expect(same({ pagScale: 2, ...before(4) }, { pagScale: 7, ...before(4) })).toEqual([6, 4]);
  expect(same({ pagScale: 2, ...before(3) }, { pagScale: 2, ...before(4) })).toEqual([6, 3]);
  expect(same({}, before(4))).toEqual([6, 6]);
});

test('the image with PAG is that without it for as long as PAG is not active', () => {
  const late = pag({ window: { semantics: 'guider', start: 0.4, stop: 1 } });
  const own = steps(late, WITH);
  expect(sameSteps(own, steps({}, WITHOUT))).toBe(3);
  expect(sameSteps(steps({ ...late, compare: false }, WITH), own)).toBe(6);
});

test('other noise levels, another scheduler and other words are other steps from the first', () => {
  for (const changes of [
    { steps: 7 },
    { scheduler: 'unipc' },
    { scheduler: 'dpmpp-2m-sde' },
    { sigmas: 'karras' },
  ] as const)
    expect(same({}, changes)).toEqual([0, 0]);
  const plan = planRun(SETTINGS, MODEL);
  const words = (text: string) => stepsOfImage(plan, WITH, PLAIN_PAG, () => text);
  expect(sameSteps(words('a'), words('b'))).toBe(0);
  expect(sameSteps(words('a'), words('a'))).toBe(6);
});
