// What each scheduler is called elsewhere. A1111's and Forge's names are those of their drop-down lists, ComfyUI's
// those of KSampler (comfy/samplers.py); diffusers has classes, of which one stands for two schedulers. null: it has
// none.

import type { SchedulerId, SigmaSpacing } from '../diffusion/options';

export interface SamplerNames {
  readonly a1111: string | null;
  readonly comfy: string | null;
  readonly diffusers: string;
  /** Arguments of `from_config` that tell it from others of the same class, as Python. */
  readonly diffusersArguments: readonly string[];
}

const names = (
  a1111: string | null,
  comfy: string | null,
  diffusers: string,
  ...diffusersArguments: string[]
): SamplerNames => ({ a1111, comfy, diffusers, diffusersArguments });

export const SAMPLERS: Readonly<Record<SchedulerId, SamplerNames>> = {
  ddim: names('DDIM', 'ddim', 'DDIMScheduler'),
  ddpm: names(null, 'ddpm', 'DDPMScheduler'),
  euler: names('Euler', 'euler', 'EulerDiscreteScheduler'),
  'euler-a': names('Euler a', 'euler_ancestral', 'EulerAncestralDiscreteScheduler'),
  heun: names('Heun', 'heun', 'HeunDiscreteScheduler'),
  'dpmpp-2m': names('DPM++ 2M', 'dpmpp_2m', 'DPMSolverMultistepScheduler', 'algorithm_type="dpmsolver++"'),
  'dpmpp-2m-sde': names(
    'DPM++ 2M SDE',
    'dpmpp_2m_sde',
    'DPMSolverMultistepScheduler',
    'algorithm_type="sde-dpmsolver++"',
  ),
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

/**
 * Second names that A1111 takes (1.0 to 1.10: modules/sd_samplers_*.py);
 * DDIM, PLMS and UniPC have theirs in lower case.
 */
const ALIASES: Readonly<Record<string, SchedulerId>> = {
  k_euler: 'euler',
  k_euler_a: 'euler-a',
  k_euler_ancestral: 'euler-a',
  k_heun: 'heun',
  k_lms: 'lms',
  k_lcm: 'lcm',
  k_dpmpp_2m: 'dpmpp-2m',
  k_dpmpp_sde: 'dpmpp-sde',
  k_dpmpp_2m_sde: 'dpmpp-2m-sde',
  // Forge has it, A1111 has not.
  ddpm: 'ddpm',
};

/**
 * What `Schedule type` stands for in A1111 (modules/sd_schedulers.py) and Forge, with aliases; null: Pagoda has it not.
 */
const SCHEDULES: readonly (readonly [readonly string[], SigmaSpacing | 'automatic' | null])[] = [
  [['Automatic'], 'automatic'],
  [['Uniform'], 'model'],
  [['Karras'], 'karras'],
  [['Exponential'], 'exponential'],
  [['Polyexponential'], null],
  [['SGM Uniform', 'SGMUniform', 'sgm_uniform'], 'sgm-uniform'],
  [['KL Optimal', 'kl_optimal'], null],
  [['Align Your Steps', 'align_your_steps'], null],
  [['Align Your Steps GITS', 'align_your_steps_GITS'], null],
  [['Align Your Steps 11', 'align_your_steps_11'], null],
  [['Align Your Steps 32', 'align_your_steps_32'], null],
  [['Simple'], null],
  [['Normal'], null],
  [['DDIM', 'ddim_uniform'], null],
  [['Beta'], 'beta'],
  [['Turbo'], null],
];

/** How second names end that say noise levels too: samplers of such levels were samplers of their own before 1.9. */
const ALIAS_ENDINGS: readonly (readonly [string, string])[] = [
  ['_ka', 'Karras'],
  ['_exp', 'Exponential'],
];

/** A1111's own choice of noise levels where the schedule type is Automatic; for others it is Uniform. */
const AUTOMATIC: Readonly<Partial<Record<SchedulerId, SigmaSpacing>>> = {
  'dpmpp-2m': 'karras',
  'dpmpp-sde': 'karras',
  'dpmpp-2m-sde': 'exponential',
};

export interface A1111Sampler {
  /** null where Pagoda has no such sampler. */
  readonly scheduler: SchedulerId | null;
  /** null where Pagoda has no such noise levels; undefined where nothing says any. */
  readonly sigmas: SigmaSpacing | null | undefined;
}

/**
 * As A1111 resolves both: a schedule that the sampler's name ends with counts before `schedule`.
 * Letters' case does not count.
 */
export function a1111Sampler(written: string | undefined, schedule: string | undefined): A1111Sampler {
  const sampler = written === undefined ? undefined : spelledOut(written);
  const suffix = SCHEDULES.find(([names]) => names.some((name) => endsWith(sampler, name)));
  const typed =
    schedule === undefined ? undefined : SCHEDULES.find(([names]) => names.some((name) => isSame(name, schedule)));
  const name =
    suffix && sampler
      ? sampler.slice(
          0,
          sampler.length - Math.max(...suffix[0].map((one) => (endsWith(sampler, one) ? one.length + 1 : 0))),
        )
      : sampler;
  const scheduler = name === undefined ? null : schedulerNamed(name);
  // What A1111 would choose for a sampler that is not known here is not known either.
  if (suffix === undefined && schedule === undefined && scheduler === null) return { scheduler, sigmas: undefined };
  const spacing = (suffix ?? typed)?.[1] ?? (schedule === undefined && !suffix ? 'automatic' : null);
  return { scheduler, sigmas: spacing === 'automatic' ? ((scheduler && AUTOMATIC[scheduler]) ?? 'model') : spacing };
}

/** `k_dpmpp_2m_ka` as `k_dpmpp_2m Karras`. */
function spelledOut(sampler: string): string {
  const name = sampler.trim();
  const [ending, levels] = ALIAS_ENDINGS.find(([ending]) => /^k_/i.test(name) && hasEnding(name, ending)) ?? ['', ''];
  return ending === '' ? name : `${name.slice(0, -ending.length)} ${levels}`;
}

function schedulerNamed(name: string): SchedulerId | null {
  const found = Object.entries(SAMPLERS).find(([, { a1111 }]) => a1111 !== null && isSame(a1111, name));
  const key = name.toLowerCase();
  return found ? (found[0] as SchedulerId) : Object.hasOwn(ALIASES, key) ? (ALIASES[key] as SchedulerId) : null;
}

function endsWith(name: string | undefined, suffix: string): boolean {
  return name !== undefined && hasEnding(name, ` ${suffix}`);
}

function hasEnding(name: string, ending: string): boolean {
  return name.toLowerCase().endsWith(ending.toLowerCase());
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.trim().toLowerCase();
}
