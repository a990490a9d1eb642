// What each scheduler is called elsewhere. A1111's and Forge's names are those of their drop-down lists, ComfyUI's
// those of KSampler (comfy/samplers.py); diffusers has classes, of which one stands for two schedulers. null: it has none.

import type { SchedulerId, SigmaSpacing } from '../diffusion/options';

export interface SamplerNames {
  readonly a1111: string | null;
  readonly comfy: string | null;
  readonly diffusers: string;
  /** Arguments of `from_config` that tell it from others of the same class, as Python. */
  readonly diffusersArguments: readonly string[];
}

const names = (a1111: string | null, comfy: string | null, diffusers: string, ...diffusersArguments: string[]): SamplerNames =>
  ({ a1111, comfy, diffusers, diffusersArguments });

export const SAMPLERS: Readonly<Record<SchedulerId, SamplerNames>> = {
  ddim: names('DDIM', 'ddim', 'DDIMScheduler'),
  ddpm: names(null, 'ddpm', 'DDPMScheduler'),
  euler: names('Euler', 'euler', 'EulerDiscreteScheduler'),
  'euler-a': names('Euler a', 'euler_ancestral', 'EulerAncestralDiscreteScheduler'),
  heun: names('Heun', 'heun', 'HeunDiscreteScheduler'),
  'dpmpp-2m': names('DPM++ 2M', 'dpmpp_2m', 'DPMSolverMultistepScheduler', 'algorithm_type="dpmsolver++"'),
  'dpmpp-2m-sde': names('DPM++ 2M SDE', 'dpmpp_2m_sde', 'DPMSolverMultistepScheduler', 'algorithm_type="sde-dpmsolver++"'),
  'dpmpp-sde': names('DPM++ SDE', 'dpmpp_sde', 'DPMSolverSDEScheduler'),
  lms: names('LMS', 'lms', 'LMSDiscreteScheduler'),
  pndm: names('PLMS', null, 'PNDMScheduler', 'skip_prk_steps=True'),
  unipc: names('UniPC', 'uni_pc', 'UniPCMultistepScheduler'),
  lcm: names('LCM', 'lcm', 'LCMScheduler'),
};

export const SIGMA_NAMES: Readonly<Record<SigmaSpacing, { a1111: string; comfy: string }>> = {
  // A1111's Automatic is Karras or Exponential for some samplers.
  model: { a1111: 'Uniform', comfy: 'normal' },
  karras: { a1111: 'Karras', comfy: 'karras' },
  exponential: { a1111: 'Exponential', comfy: 'exponential' },
  'sgm-uniform': { a1111: 'SGM Uniform', comfy: 'sgm_uniform' },
  beta: { a1111: 'Beta', comfy: 'beta' },
};

/** null where Pagoda has no such sampler. Letters' case does not count. */
export function schedulerNamed(name: string, system: 'a1111' | 'comfy'): SchedulerId | null {
  // Forge has it, A1111 has not.
  if (system === 'a1111' && name.toLowerCase() === 'ddpm') return 'ddpm';
  const found = Object.entries(SAMPLERS).find(([, own]) => own[system]?.toLowerCase() === name.toLowerCase());
  return found ? (found[0] as SchedulerId) : null;
}

export function sigmasNamed(name: string, system: 'a1111' | 'comfy'): SigmaSpacing | null {
  if (system === 'a1111' && name.toLowerCase() === 'automatic') return 'model';
  const found = Object.entries(SIGMA_NAMES).find(([, own]) => own[system].toLowerCase() === name.toLowerCase());
  return found ? (found[0] as SigmaSpacing) : null;
}
