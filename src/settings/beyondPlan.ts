// What of a run's settings its plan does not tell. Runs that have the same of it, and the same model, LoRA and device,
// may be compared record by record (`diffusion/imageSteps`). A new setting is a part of it unless its row in `fields`
// says otherwise.

import { FIELDS, SETTING_NAMES, type Settings } from './fields';

/** As a text, to be compared. */
export function beyondPlan(settings: Settings): string {
  const names = SETTING_NAMES.filter((name) => !FIELDS[name].inPlan);
  return JSON.stringify(names.map((name) => settings[name]));
}
