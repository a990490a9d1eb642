// A finished pair as the history keeps it: PNG files with their recipes in them, and a small picture to find it by.

import type { KeptRun } from '../history/entry';
import { MOST_BYTES, bytesOfSteps } from '../history/keptSteps';
import { encodeThumbnail } from '../image/png';
import type { StepTrace } from '../protocol/runSteps';
import type { Recipe } from '../recipe/recipe';
import type { Shown } from './job';
import { pngWithRecipe } from './saveFile';

/** Device pixels; it is shown at half of that. */
const THUMBNAIL_EDGE = 144;

/**
 * null of a preview.
 * @param traces of its steps; none where they were not told
 * @throws where the browser gives no canvas
 */
export async function keptRun(
  { runId: id, pair, stats, recipe, left }: Shown,
  made: number,
  traces: readonly StepTrace[] = [],
): Promise<KeptRun | null> {
  if (!stats || !recipe) return null;
  const [withPag, withoutPag, thumbnail] = await Promise.all([
    pngWithRecipe(pair.withPag, recipe),
    pair.withoutPag && pngWithRecipe(pair.withoutPag, withoutPagRecipe(recipe)),
    encodeThumbnail(pair.withPag, THUMBNAIL_EDGE),
  ]);
  const small = left && traces.length > 0 ? { images: left, traces } : null;
  const all = small ? bytesOfSteps(small) : 0;
  const [steps, stepBytes] = all > MOST_BYTES ? [null, 0] : [small, all];
  const bytes = withPag.size + (withoutPag?.size ?? 0) + thumbnail.size + stepBytes;
  const entry = { id, made, starred: false, recipe, stats, isPair: withoutPag !== null, bytes, stepBytes };
  return { entry, pictures: { withPag, withoutPag }, thumbnail, steps };
}

/** A run of it makes the left picture of the pair. */
function withoutPagRecipe(recipe: Recipe): Recipe {
  const { settings } = recipe;
  const earlier = settings.earlier.map((held) => ({ ...held, pagScale: 0 }));
  return { ...recipe, settings: { ...settings, pagScale: 0, earlier }, sites: [] };
}
