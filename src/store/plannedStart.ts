// A run that is still to be made, as its plan has it where it begins from an image. How many draws of noise come before
// its first is nothing to its rows and scales: one, as of an encoder with a variance.

import type { PlannedStart } from '../diffusion/runPlan';
import type { Settings } from '../settings/fields';

export function plannedStart({ strength }: Pick<Settings, 'strength'>, fromImage: boolean): PlannedStart | null {
  return fromImage ? { strength, draws: 1 } : null;
}
