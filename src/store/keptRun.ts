// A finished pair as the history keeps it: PNG files with their recipes in them, and a small picture to find it by.

import type { KeptRun } from '../history/entry';
import { bytesOfSteps, smallSteps } from '../history/keptSteps';
import { encodeThumbnail } from '../image/png';
import type { Recipe } from '../recipe/recipe';
import type { Shown } from './job';
import { pngWithRecipe } from './saveFile';

/** Device pixels; it is shown at half of that. */
const THUMBNAIL_EDGE = 144;

/** null of a preview. @throws where the browser gives no canvas */
export async function keptRun(
  { runId: id, pair, stats, recipe, left = [], steps: traces = [] }: Shown,
  made: number,
): Promise<KeptRun | null> {
  if (!stats || !recipe) return null;
  const [withPag, withoutPag, thumbnail] = await Promise.all([
    pngWithRecipe(pair.withPag, recipe),
    pair.withoutPag && pngWithRecipe(pair.withoutPag, withoutPagRecipe(recipe)),
    encodeThumbnail(pair.withPag, THUMBNAIL_EDGE),
  ]);
  const steps = smallSteps({ images: left, traces });
  const stepBytes = steps ? bytesOfSteps(steps) : 0;
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
