import { expect, it } from 'vitest';
import { INITIAL, SETTING_NAMES, type SettingName, type Settings } from './fields';
import { beyondPlan } from './beyondPlan';

/** Another value of each setting. */
const OTHER: Settings = {
  prompt: 'b',
  negativePrompt: 'c',
  emphasis: 'plain',
  noiseSource: 'gpu',
  seed: 8,
  steps: 21,
  guidanceScale: 4,
  pagScale: 5,
  layers: 'all',
  scheduler: 'euler',
  earlier: [{ until: 3, prompt: '', negativePrompt: '', guidanceScale: 1, pagScale: 1, layers: 'mid' }],
  strength: 0.4,
  startFit: 'fit',
  maskArea: 'masked',
  maskPadding: 8,
  maskFeather: 0,
  keepRest: false,
  sigmas: 'karras',
  spacing: 'trailing',
  prediction: 'epsilon',
  terminalSnr: 'zero',
  clipSkip: 2,
  width: 768,
  height: 512,
  pag: {
    adaptive: { semantics: 'pamparamm', amount: 0.1 },
    window: { semantics: 'steps', start: 1, stop: 2 },
    attenuation: 3,
    rescale: { mode: 'full', amount: 0.5 },
    guidanceRescale: 0,
    identity: 0.5,
    siteIdentity: { a: 0.2 },
  },
  images: 2,
  compare: false,
  backend: 'wasm',
};
/** Two runs that differ in these alone may have records in common. */
const IN_PLAN: readonly SettingName[] = [
  'prompt',
  'negativePrompt',
  'steps',
  'guidanceScale',
  'pagScale',
  'layers',
  'scheduler',
  'sigmas',
  'spacing',
  'prediction',
  'terminalSnr',
  'pag',
  'earlier',
  'images',
  'compare',
];

it.each(SETTING_NAMES)('%s is told by the plan, or stands beside it', (name) => {
  const same = beyondPlan({ ...INITIAL, [name]: OTHER[name] }) === beyondPlan(INITIAL);
  expect(OTHER[name]).not.toEqual(INITIAL[name]);
  expect(same).toBe(IN_PLAN.includes(name));
});
