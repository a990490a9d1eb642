// The PAG scale of each step: s, where its window is open, lowered by attenuation and by the adaptive scale.
//
//   attenuation (Forge)    s·max(0, 1 − k·p/100)
//   adaptive (diffusers)   max(0, s − a(1000 − t))
//   adaptive (pamparamm)   max(0, s·(1 − a⁴(1000 − t)))
//
// with k the steps before in which the window was open, p percent, a the amount and t the timestep. A step with
// scale 0 runs no perturbed row.

import type { AdaptiveScale, PagOptions, PagWindow } from './options';
import { countSteps } from './stepTable';
import type { StepTable } from './types';

export interface StepPlace {
  /** Step i of `count`, from 0. */
  readonly index: number;
  readonly count: number;
  /** Steps before this one in which the window was open. */
  readonly opened: number;
  /** 0 … 999; fractions occur. */
  readonly timestep: number;
  /** Noise level in the σ of x₀ + σ·ε. */
  readonly sigma: number;
}

/** The PAG scale at one step; 0 where PAG is not active. */
export function pagScaleAt(
  scale: number,
  options: Pick<PagOptions, 'adaptive' | 'window' | 'attenuation'>,
  place: StepPlace,
): number {
  if (scale === 0 || !isActive(options.window, place)) return 0;
  const attenuated = scale * Math.max(0, 1 - (place.opened * options.attenuation) / 100);
  return adapt(attenuated, options.adaptive, place.timestep);
}

/**
 * The PAG scale of each record of a table. Both records of a two-stage step have the step's index, for attenuation and
 * for windows that count steps, and a σ and a timestep of their own, for the others. (diffusers' guider counts the
 * calls of the model against the number of steps, so with Heun its window ends after half of the steps meant.)
 */
export function pagScales(
  scale: number,
  options: Pick<PagOptions, 'adaptive' | 'window' | 'attenuation'>,
  table: StepTable,
): number[] {
  const count = countSteps(table);
  const open = new Set<number>();
  return table.steps.map(({ step, timestep, sigma }) => {
    const place = { index: step, count, opened: open.has(step) ? open.size - 1 : open.size, timestep, sigma };
    if (isActive(options.window, place)) open.add(step);
    return pagScaleAt(scale, options, place);
  });
}

/** Both count in a callback that runs behind the model and has not yet run at the first step. */
function stepSeenByA1111(index: number): number {
  return Math.max(0, index - 1);
}

function isActive(window: PagWindow, { index, count, sigma }: Omit<StepPlace, 'opened'>): boolean {
  switch (window.semantics) {
    case 'always':
      return true;
    case 'sigma':
      return (window.start < 0 || sigma <= window.start) && (window.stop < 0 || sigma > window.stop);
    case 'guider':
      return index > Math.trunc(window.start * count) && index < Math.trunc(window.stop * count);
    case 'steps':
      return stepSeenByA1111(index) >= window.start && stepSeenByA1111(index) <= window.stop;
    case 'forge': {
      const part = count > 1 ? stepSeenByA1111(index) / (count - 1) : 0;
      return part >= window.start && part <= window.stop;
    }
  }
}

function adapt(scale: number, { semantics, amount }: AdaptiveScale, timestep: number): number {
  if (amount === 0) return scale;
  const past = 1000 - timestep;
  return Math.max(0, semantics === 'diffusers' ? scale - amount * past : scale * (1 - amount ** 4 * past));
}
