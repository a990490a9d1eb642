// How much of a run is made of a start image, in the words of each program. Of N steps are run
//
//   here and in diffusers   ⌊N·strength⌋
//   A1111                   ⌊N·min(d, 0.999)⌋ + 1; without the 1 where its sampler steps on timesteps of its own
//   ComfyUI                 all n of KSampler's, the last ones of ⌊n/d⌋
//
// so that one number makes a different beginning in each. What is written elsewhere is the number that makes the same.

import { stepsRun } from '../diffusion/runPlan';
import { SCHEDULERS, type SchedulerId } from '../diffusion/schedulers';

/** Steps that A1111 runs of `steps`. */
export function a1111StepsRun(denoising: number, steps: number, scheduler: SchedulerId | undefined): number {
  const counted = Math.floor(Math.min(denoising, 0.999) * steps);
  return isOnOwnTimesteps(scheduler) ? counted : counted + 1;
}

/** A1111's denoising strength with which it runs `run` of `steps`; null where none does. */
export function a1111Denoising(run: number, steps: number, scheduler: SchedulerId): number | null {
  const near = (isOnOwnTimesteps(scheduler) ? run : run - 1) / steps;
  return shortest(near, (denoising) => a1111StepsRun(denoising, steps, scheduler) === run);
}

/** The strength with which `run` of `steps` are run. */
export function strengthOf(run: number, steps: number): number {
  return shortest(run / steps, (strength) => stepsRun(steps, { strength }) === run) ?? run / steps;
}

/** ComfyUI's denoise with which `run` steps are the last of `steps`. */
export function comfyDenoise(run: number, steps: number): number {
  if (run === steps) return 1;
  return shortest(run / steps, (denoise) => comfySteps(run, denoise) === steps) ?? run / (steps + 0.5);
}

/** How many steps KSampler's schedule has of which it runs the last `run`. */
export function comfySteps(run: number, denoise: number): number {
  return denoise > 0.9999 ? run : Math.floor(run / denoise);
}

function isOnOwnTimesteps(scheduler: SchedulerId | undefined): boolean {
  return scheduler !== undefined && SCHEDULERS[scheduler].a1111?.ownTimesteps === true;
}

/** The number of fewest digits near `near`, from 0 to 1, that is right; null where none of five digits is. */
function shortest(near: number, isRight: (value: number) => boolean): number | null {
  for (let unit = 100; unit <= 1e5; unit *= 10) {
    const candidates = [Math.round, Math.ceil, Math.floor].map((round) => round(near * unit) / unit);
    const found = [...candidates, candidates[1]! + 1 / unit].find(
      (value) => value >= 0 && value <= 1 && isRight(value),
    );
    if (found !== undefined) return Math.round(found * unit) / unit;
  }
  return null;
}
