// A recipe in the text chunks of a PNG: `parameters` is A1111's infotext, which many programs read; `pagoda` is the
// whole recipe as JSON. Back from there, Pagoda's own comes first; the infotext stands in where that is absent or bad,
// and ComfyUI's workflow (`prompt`) where there is neither.

import type { PagOptions } from '../diffusion/options';
import { parseComfyWorkflow } from './comfyReader';
import { parseInfotext } from './infotext';
import { isJson } from './otherPrograms';
import { parseRecipe, refusal, type Recipe, type Restored } from './recipe';
import { recipeToInfotext } from './writeInfotext';

const INFOTEXT = 'parameters';
const OWN = 'pagoda';
const COMFY = 'prompt';

/** Keywords that are read. */
export const READ_KEYWORDS: ReadonlySet<string> = new Set([INFOTEXT, OWN, COMFY]);

/** Text by keyword. */
export function recipeToPngTexts(recipe: Recipe): Record<string, string> {
  return { [INFOTEXT]: recipeToInfotext(recipe).text, [OWN]: JSON.stringify(recipe) };
}

/**
 * Settings from a PNG's texts; null where none of them is one that Pagoda reads. Throws nothing.
 * @param plain the paper's PAG, which an infotext changes.
 */
export function recipeFromPngTexts(texts: ReadonlyMap<string, string>, plain: PagOptions): Restored | null {
  const [own, infotext] = [texts.get(OWN), texts.get(INFOTEXT)];
  const restored = own === undefined ? null : parseRecipe(parseJson(own));
  if (restored && Object.keys(restored.settings).length > 0) return restored;
  // JSON under A1111's keyword is another program's, and never a prompt.
  const other = infotext === undefined || isJson(infotext) ? null : parseInfotext(infotext, plain);
  if (!other || !restored) return other ?? restored ?? parseComfyWorkflow(parseJson(texts.get(COMFY) ?? ''));
  return {
    ...other,
    notRestored: [
      refusal("Pagoda's recipe", own, 'It cannot be read; the A1111 text was taken.'),
      ...other.notRestored,
    ],
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
