// Samplers and noise levels as A1111 and Forge name them, resolved as they do.

import type { SigmaSpacing } from '../diffusion/options';
import { SCHEDULERS, SCHEDULER_IDS, type SchedulerId } from '../diffusion/schedulers';

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
  return {
    scheduler,
    sigmas: spacing === 'automatic' ? ((scheduler && SCHEDULERS[scheduler].a1111?.automatic) ?? 'model') : spacing,
  };
}

/** `k_dpmpp_2m_ka` as `k_dpmpp_2m Karras`. */
function spelledOut(sampler: string): string {
  const name = sampler.trim();
  const [ending, levels] = ALIAS_ENDINGS.find(([ending]) => /^k_/i.test(name) && hasEnding(name, ending)) ?? ['', ''];
  return ending === '' ? name : `${name.slice(0, -ending.length)} ${levels}`;
}

function schedulerNamed(name: string): SchedulerId | null {
  const isNamed = ({ a1111, a1111Aliases }: (typeof SCHEDULERS)[SchedulerId]) =>
    (a1111 !== null && isSame(a1111.name, name)) || a1111Aliases.includes(name.toLowerCase());
  return SCHEDULER_IDS.find((id) => isNamed(SCHEDULERS[id])) ?? null;
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
