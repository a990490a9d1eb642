// The PAG scale over a run that is still to be made, from the same plan that the engine carries out.

import { planRun } from '../diffusion/runPlan';
import type { SchedulerConfig } from '../diffusion/types';
import type { Settings } from '../settings/fields';
import { plannedStart } from './plannedStart';

export interface CurvePoint {
  /** Which of the run's steps, from 0; a two-stage step has two passes. */
  readonly step: number;
  /** Noise level in the σ of x₀ + σ·ε. */
  readonly sigma: number;
  readonly timestep: number;
  /** s; 0 where the perturbed row is not run. */
  readonly scale: number;
}

/** One point a UNet pass that is run, noisiest first; a sentence where the schedule cannot be made. */
export function pagCurve(
  settings: Settings,
  scheduler: SchedulerConfig,
  fromImage: boolean,
): readonly CurvePoint[] | string {
  try {
    const start = plannedStart(settings, fromImage);
    const { records } = planRun({ ...settings, start }, { scheduler, guidanceEmbedded: false, strengths: () => [] });
    return records.map(({ coefficients: { step, sigma, timestep }, pagScale }) => ({
      step,
      sigma,
      timestep,
      scale: pagScale,
    }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
