// A recipe from a file that a visitor gives: a PNG with texts in it, or Pagoda's JSON. What the file is, its first
// bytes say, not its name. Nothing in it is trusted or run: it is parsed, checked field by field, or refused.

import { PLAIN_PAG } from '../diffusion/options';
import { readPngText } from '../image/pngText';
import { recipeFromPngTexts } from '../recipe/pngTexts';
import { parseRecipe, type Restored } from '../recipe/recipe';

const MAX_JSON = 2 ** 20;

export interface ReadRecipe extends Restored {
  /** What was damaged in the file, as sentences. */
  readonly problems: readonly string[];
}

/** @throws Error with a sentence for people, where there are no settings in it. */
export async function readRecipeFile(file: Blob): Promise<ReadRecipe> {
  const [first] = new Uint8Array(await file.slice(0, 1).arrayBuffer());
  return first === 0x89 ? readPng(file) : readJson(file);
}

async function readPng(file: Blob): Promise<ReadRecipe> {
  const { texts, problems } = await readPngText(file);
  const restored = recipeFromPngTexts(texts, PLAIN_PAG);
  if (restored && Object.keys(restored.settings).length > 0) return { ...restored, problems };
  if (restored) throw new Error(sentence(restored));
  const other = texts.has('workflow') || texts.has('prompt') ? 'It has a workflow of ComfyUI, which Pagoda does not read.' : 'Many sites remove such texts from pictures.';
  throw new Error(['This picture has no settings in it that Pagoda reads.', ...(problems.length > 0 ? problems : [other])].join(' '));
}

async function readJson(file: Blob): Promise<ReadRecipe> {
  const wrong = 'This is neither a PNG picture nor a recipe of Pagoda (.json).';
  if (file.size > MAX_JSON) throw new Error(`${wrong} Recipes have at most 1 MiB.`);
  let value: unknown;
  try {
    value = JSON.parse(await file.text());
  } catch (cause) {
    throw new Error(wrong, { cause });
  }
  const restored = parseRecipe(value);
  if (Object.keys(restored.settings).length === 0) throw new Error(sentence(restored));
  return { ...restored, problems: [] };
}

function sentence({ notRestored }: Restored): string {
  return notRestored[0]?.why ?? 'There are no settings in this recipe.';
}
