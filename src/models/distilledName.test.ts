// Which names are taken for distilled models, by those that are published, and which are not.

import { expect, test } from 'vitest';
import { usualByName } from './distilledName';
import { USUAL_SDXL } from './usualSettings';

const usual = { ...USUAL_SDXL, layers: 'u0' };

test.each([
  ['sdxl_lightning_4step_unet.safetensors', 'Lightning', 4, 'euler', 'trailing'],
  ['sdxl_lightning_8step', 'Lightning', 8, 'euler', 'trailing'],
  ['DreamShaperXL_Lightning', 'Lightning', 4, 'euler', 'trailing'],
  ['Hyper-SDXL-1step-Unet.safetensors', 'Hyper', 1, 'lcm', 'model'],
  ['Hyper-SD15-8steps', 'Hyper', 8, 'euler', 'trailing'],
  ['dmd2_sdxl_4step_unet_fp16', 'DMD2', 4, 'lcm', 'model'],
  ['dreamshaper_8LCM', 'LCM', 4, 'lcm', 'model'],
  ['sd_xl_turbo_1.0_fp16', 'Turbo', 4, 'euler-a', 'trailing'],
  ['dreamshaperXL_v21TurboDPMSDE', 'Turbo', 4, 'euler-a', 'trailing'],
] as const)('%s is %s of %i steps', (name, kind, steps, scheduler, spacing) => {
  const found = usualByName([name, 'some/repository'], usual, true);
  expect(found).toMatchObject({ kind, usual: { steps, scheduler, spacing, guidanceScale: 1, layers: 'u0' } });
  expect(found!.note === null).toBe(steps !== 1);
});

test('the repository says it where the file does not, and the file goes before it', () => {
  expect(usualByName(['model.safetensors', 'ByteDance/SDXL-Lightning'], usual, true)?.kind).toBe('Lightning');
  expect(usualByName(['lcm.safetensors', 'ByteDance/SDXL-Lightning'], usual, true)?.kind).toBe('LCM');
  expect(usualByName(['sd_turbo', ''], usual, false)?.usual.scheduler).toBe('euler');
});

test.each(['hyperrealism_v3', 'hyperrealistic', 'turbocharged', 'lightnings', 'stepbrother_4k', 'v1-5-pruned', ''])(
  '%s says nothing',
  (name) => {
    expect(usualByName([name], usual, true)).toBeNull();
  },
);

test('a number of steps that no such model has is not believed', () => {
  expect(usualByName(['turbo_50steps'], usual, true)?.usual.steps).toBe(4);
});
