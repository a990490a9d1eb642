import { describe, expect, it } from 'vitest';
import { pagScales } from '../diffusion/pagScale';
import { makeStepTable } from '../diffusion/schedulers';
import type { SchedulerConfig } from '../diffusion/types';
import { selectSites } from '../onnx/sites/layers';
import { nameSites } from '../onnx/sites/names';
import { readPag } from '../settings/pagOptions';
import { pagCurve } from './scaleByStep';
import { PRESETS, isAtPreset, presetOf } from '../settings/presets';
import { DEFAULTS } from './settings';

const SD: SchedulerConfig = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  prediction_type: 'epsilon',
  steps_offset: 1,
  set_alpha_to_one: false,
};

describe('a preset', () => {
  it.each(Object.entries(PRESETS))('%s is within the ranges of a recipe, and is found again', (key, { settings }) => {
    expect(readPag(settings.pag)).toEqual(settings.pag);
    expect(isAtPreset({ ...settings, pag: JSON.parse(JSON.stringify(settings.pag)) as typeof settings.pag }, key)).toBe(
      true,
    );
    expect(presetOf(settings)).not.toBeNull();
  });

  it('of incantations is at the middle block, of SDXL at its first layer alone', () => {
    const sites = (layers: number) =>
      nameSites(
        Array.from({ length: layers }, (_, layer) => `mid_block.attentions.0.transformer_blocks.${layer}.attn1`),
      );
    for (const count of [1, 10]) {
      const [first] = sites(count);
      expect(selectSites(PRESETS['incantations']!.settings.layers, sites(count))).toEqual([first]);
    }
  });

  it('is left by any other number', () => {
    expect(presetOf({ ...PRESETS['forge']!.settings, pagScale: 3.1 })).toBeNull();
  });

  it.each<[string, readonly number[]]>([
    ['guider', [1, 2, 3]],
    ['forge', Array.from({ length: 20 }, (_, i) => i)],
    ['incantations', []],
    ['paper', Array.from({ length: 20 }, (_, i) => i)],
  ])('%s is active in the steps that the reference names', (key, steps) => {
    const table = makeStepTable('ddim', SD, 20, { sigmas: 'model', spacing: 'model' });
    const { settings } = PRESETS[key]!;
    expect(pagScales(settings.pagScale, settings.pag, table).flatMap((s, i) => (s > 0 ? [i] : []))).toEqual(steps);
  });
});

describe('the curve', () => {
  it('is what the engine will run', () => {
    const settings = {
      ...DEFAULTS,
      steps: 4,
      pagScale: 2,
      scheduler: 'ddim' as const,
      pag: { ...DEFAULTS.pag, attenuation: 25 },
    };
    const curve = pagCurve(settings, SD, false);
    if (typeof curve === 'string') throw new Error(curve);
    expect(curve.map(({ scale }) => scale)).toEqual([2, 1.5, 1, 0.5]);
    expect(curve.every(({ sigma }, i) => i === 0 || sigma < curve[i - 1]!.sigma)).toBe(true);
  });

  it('has the steps that are left of a run from an image', () => {
    const settings = { ...DEFAULTS, steps: 10, strength: 0.3, scheduler: 'ddim' as const };
    const levels = (fromImage: boolean) => {
      const curve = pagCurve(settings, SD, fromImage);
      return typeof curve === 'string' ? curve : curve.map(({ sigma }) => sigma);
    };
    expect(levels(false)).toHaveLength(10);
    expect(levels(true)).toEqual(levels(false).slice(7));
  });

  it('says why there is none', () => {
    expect(pagCurve({ ...DEFAULTS, steps: 2000 }, SD, false)).toMatch(/2000/);
  });
});
