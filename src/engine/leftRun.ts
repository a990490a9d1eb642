// A run that an earlier visit has kept, as this one's runs leave theirs: what each record made of an image follows
// from its settings again. What does not fit the model's latents is left out: a run is then made whole.

import { stepsOfImage } from '../diffusion/imageSteps';
import type { LeftRun } from '../protocol/runSteps';
import { phasesOf } from '../settings/earlierSteps';
import { elements } from './backend';
import { latentsOfRun, type DiffusionModel } from './diffusionModel';
import { copied, type Trajectory } from './keptRuns';
import { stepsOf } from './stepTrace';
import { kindsOf, planned, runPhase, wordsOf } from './runPhases';

/** Of a run from noise. Throws nothing. */
export function trajectoriesOf(model: DiffusionModel, left: LeftRun): Trajectory[] {
  try {
    return readLeft(model, left);
  } catch {
    return []; // settings that this model cannot follow: the run to come says so of its own
  }
}

function readLeft(model: DiffusionModel, { settings, pair, images, traces }: LeftRun): Trajectory[] {
  const phases = phasesOf(settings).map((held) => runPhase(model, settings, held));
  const plan = planned(model, settings, phases, null, 1);
  const size = elements(latentsOfRun(model, settings));
  const fits = images.every(
    ({ latents, states }) =>
      latents.length === size &&
      states.every(
        ({ record, latents: before, history }) =>
          record < plan.records.length &&
          before.length === size &&
          (history.length === 0 || history.length === plan.historyLength * size),
      ),
  );
  if (!fits) return [];
  return kindsOf(settings).flatMap((of, at): Trajectory[] => {
    const left = images.find((image) => image.of === of);
    const picture = of === 'withPag' ? pair.withPag : pair.withoutPag;
    if (!left || !picture) return [];
    const steps = stepsOfImage(plan, at, settings.pag, wordsOf(model, phases));
    return [{ ...left, steps, picture: copied(picture), traces: stepsOf(of, traces) }];
  });
}
