// What the pair that is shown has left of its steps, for a run that may go on from it: given along where model and
// device are surely those that made it, since an engine that has just started knows nothing of it.

import { POCKET } from '../models/catalog';
import type { LeftRun } from '../protocol/runSteps';
import type { Recipe } from '../recipe/recipe';
import type { Settings } from '../settings/fields';
import type { Job } from './job';

declare const __APP_VERSION__: string;

/**
 * @param model that is chosen
 * @param sent settings as the engine is sent them
 */
export function leftToGoOn(
  { shown, device }: Pick<Job, 'shown' | 'device'>,
  model: Recipe['model'],
  sent: (settings: Settings) => Settings,
): LeftRun | null {
  if (!shown?.left?.length || !shown.steps || !shown.recipe) return null;
  const { recipe, pair, settings, left: images, steps: traces } = shown;
  const isSameDevice = device !== null && recipe.adapter === device.adapter && recipe.backend === device.backend;
  // Of one file on disk another may have the name; the built-in model is the page's.
  const isFixed = model.revision !== null || (model.id === POCKET.id && recipe.appVersion === __APP_VERSION__);
  const nameOf = ({ id, revision, vae, unet }: Recipe['model']) => JSON.stringify([id, revision, vae, unet]);
  const isPlain = !recipe.loras && !recipe.embeddings && recipe.start === undefined;
  if (!isSameDevice || !isFixed || nameOf(recipe.model) !== nameOf(model) || !isPlain) return null;
  return { settings: sent(settings), pair, images, traces };
}
