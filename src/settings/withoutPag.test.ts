import { expect, it } from 'vitest';
import { PLAIN_PAG } from '../diffusion/options';
import { INITIAL, SETTING_NAMES, type SettingName, type Settings } from './fields';
import { withoutPag } from './withoutPag';

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
const OF_PAG: readonly SettingName[] = ['pagScale', 'layers', 'pag', 'compare'];

it.each(SETTING_NAMES)('the image without PAG follows %s only where it is none of PAG’s', (name) => {
  const same = withoutPag({ ...INITIAL, [name]: OTHER[name] }) === withoutPag(INITIAL);
  expect(OTHER[name]).not.toEqual(INITIAL[name]);
  expect(same).toBe(OF_PAG.includes(name));
});

it('it follows φ, which rescales either image', () => {
  const rescaled = { ...INITIAL, pag: { ...PLAIN_PAG, guidanceRescale: 0.7 } };
  expect(withoutPag(rescaled)).not.toBe(withoutPag(INITIAL));
});
