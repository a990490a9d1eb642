// Samplers as infotexts name them, against A1111's own lists: names and second names of releases 1.0 to 1.10
// (modules/sd_samplers_kdiffusion.py, sd_samplers_timesteps.py, sd_samplers_lcm.py), and what they stood for there.

import { expect, test } from 'vitest';
import { a1111Sampler } from './samplers';

// No schedule type beside them: where the name says no noise levels, they are those of Automatic.
const ALIASES = {
  k_euler_a: ['euler-a', 'model'],
  k_euler_ancestral: ['euler-a', 'model'],
  k_euler: ['euler', 'model'],
  k_lms: ['lms', 'model'],
  k_heun: ['heun', 'model'],
  k_lcm: ['lcm', 'model'],
  k_dpmpp_2m: ['dpmpp-2m', 'karras'],
  k_dpmpp_sde: ['dpmpp-sde', 'karras'],
  k_dpmpp_2m_sde: ['dpmpp-2m-sde', 'exponential'],
  k_lms_ka: ['lms', 'karras'],
  k_dpmpp_2m_ka: ['dpmpp-2m', 'karras'],
  k_dpmpp_sde_ka: ['dpmpp-sde', 'karras'],
  k_dpmpp_2m_sde_ka: ['dpmpp-2m-sde', 'karras'],
  k_dpmpp_2m_sde_exp: ['dpmpp-2m-sde', 'exponential'],
  K_DPMPP_2M_SDE_EXP: ['dpmpp-2m-sde', 'exponential'],
  ddim: ['ddim', 'model'],
  plms: ['pndm', 'model'],
  unipc: ['unipc', 'model'],
} as const;

const NOT_HERE = {
  k_dpm_2: undefined,
  k_dpm_2_a: undefined,
  k_dpmpp_2s_a: undefined,
  k_dpmpp_2m_sde_heun: undefined,
  k_dpmpp_3m_sde: undefined,
  k_dpm_fast: undefined,
  k_dpm_ad: undefined,
  restart: undefined,
  ddim_cfgpp: undefined,
  k_dpm_2_ka: 'karras',
  k_dpm_2_a_ka: 'karras',
  k_dpmpp_2s_a_ka: 'karras',
  k_dpmpp_2m_sde_heun_ka: 'karras',
  k_dpmpp_2m_sde_heun_exp: 'exponential',
  k_dpmpp_3m_sde_ka: 'karras',
  k_dpmpp_3m_sde_exp: 'exponential',
} as const;

test.each(Object.entries(ALIASES))('%s', (name, [scheduler, sigmas]) => {
  expect(a1111Sampler(name, undefined)).toEqual({ scheduler, sigmas });
});

test.each(Object.entries(NOT_HERE))('%s is no sampler of Pagoda', (name, sigmas) => {
  expect(a1111Sampler(name, undefined)).toEqual({ scheduler: null, sigmas });
});

test('noise levels in a second name count before the schedule type, as those in a name do', () => {
  for (const name of ['k_dpmpp_2m_ka', 'DPM++ 2M Karras'])
    expect(a1111Sampler(name, 'Exponential')).toEqual({ scheduler: 'dpmpp-2m', sigmas: 'karras' });
  expect(a1111Sampler('k_dpmpp_2m', 'Exponential')).toEqual({ scheduler: 'dpmpp-2m', sigmas: 'exponential' });
});
