// Which settings suit a model, from configs as they are published with it.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseJson, type Schema } from '../configs/readJson';
import { SCHEDULER, UNET } from '../configs/schemas';
import { HUB_MODELS } from './hubCatalog';
import { USUAL_LCM, USUAL_SD, USUAL_SDXL, USUAL_TURBO, usualSettings } from './usualSettings';

const read = <T>(schema: Schema<T>, value: object = {}) => parseJson(schema, 'config.json', JSON.stringify(value));
const told = (scheduler?: object, unet?: object) =>
  usualSettings({ scheduler: read(SCHEDULER, scheduler), unet: read(UNET, unet) });
const scheduler = (name: string, more: object = {}) => ({
  _class_name: `${name}Scheduler`,
  beta_schedule: 'scaled_linear',
  ...more,
});

test.each([
  [{ mid_block_type: null, up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'] }, 'u0'],
  [{ mid_block_type: 'UNetMidBlock2D', up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'] }, 'u1'],
  [{ mid_block_type: 'UNetMidBlock2DCrossAttn', up_block_types: ['CrossAttnUpBlock2D'] }, 'mid'],
  [{ up_block_types: ['CrossAttnUpBlock2D'] }, 'mid'],
])('the layers of %j are the deepest with attention', (unet, layers) => {
  expect(told({}, unet).layers).toBe(layers);
});

test.each([
  [
    'SD 1.5',
    scheduler('PNDM', { skip_prk_steps: true }),
    { cross_attention_dim: 768, time_cond_proj_dim: null },
    USUAL_SD,
  ],
  [
    'SD 2.1, v-prediction',
    scheduler('DDIM', { prediction_type: 'v_prediction' }),
    { cross_attention_dim: 1024 },
    USUAL_SD,
  ],
  [
    'zero terminal SNR',
    scheduler('DDIM', { prediction_type: 'v_prediction', timestep_spacing: 'trailing', rescale_betas_zero_snr: true }),
    {},
    USUAL_SD,
  ],
  [
    'SDXL',
    scheduler('EulerDiscrete', { timestep_spacing: 'leading' }),
    { cross_attention_dim: 2048, addition_embed_type: 'text_time' },
    USUAL_SDXL,
  ],
  [
    'SD-Turbo',
    scheduler('EulerDiscrete', { timestep_spacing: 'trailing' }),
    { cross_attention_dim: 1024 },
    USUAL_TURBO,
  ],
  [
    'SDXL-Turbo',
    scheduler('EulerAncestralDiscrete', { timestep_spacing: 'trailing' }),
    { cross_attention_dim: 2048 },
    { ...USUAL_TURBO, scheduler: 'euler-a' },
  ],
  ['LCM', scheduler('LCM'), { time_cond_proj_dim: 256 }, USUAL_LCM],
  ['LCM, guidance not embedded', scheduler('LCM'), { time_cond_proj_dim: null }, { ...USUAL_LCM, guidanceScale: 1 }],
  ['no configs', {}, {}, USUAL_SD],
])('%s', (_, config, unet, expected) => {
  expect(told(config, unet)).toEqual(expected);
});

test.each(HUB_MODELS.filter((entry) => entry.configs))(
  '$name: its entry says what its configs tell, in the number of steps and CFG',
  ({ configs, usual }) => {
    const { guidanceScale, steps } = told(configs?.scheduler, configs?.unetConfig);
    expect(usual.guidanceScale > 1).toBe(guidanceScale > 1);
    expect(usual.steps <= 4).toBe(steps <= 4);
  },
);

test('the tiny model’s own configs', () => {
  const json = (path: string) => JSON.parse(readFileSync(`fixtures/models/tiny/${path}`, 'utf8')) as object;
  expect(told(json('scheduler/scheduler_config.json'), json('unet/config.json'))).toEqual(USUAL_SD);
});
