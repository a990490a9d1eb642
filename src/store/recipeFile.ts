// A recipe from a file that a visitor gives: a picture with texts in it, or Pagoda's JSON. What the file is, its first
// bytes say, not its name. Nothing in it is trusted or run: it is parsed, checked field by field, or refused.

import { PLAIN_PAG } from '../diffusion/options';
import { readPictureHead } from '../image/pictureHead';
import { readPictureText, type PictureText } from '../image/pictureText';
import { parseComfyWorkflow } from '../recipe/comfyReader';
import { programOf } from '../recipe/otherPrograms';
import { READ_KEYWORDS, recipeFromPngTexts } from '../recipe/pngTexts';
import { parseRecipe, type Restored } from '../recipe/recipe';

const MAX_JSON = 2 ** 20;

export interface ReadRecipe extends Restored {
  /** What was damaged in the file, as sentences. */
  readonly problems: readonly string[];
}

/** @throws Error with a sentence for people, where there are no settings in it. */
export async function readRecipeFile(file: Blob): Promise<ReadRecipe> {
  const picture = await readPictureText(file, KEYWORDS);
  if (picture) return fromPicture(picture);
  const head = await readPictureHead(file);
  if (head) throw new Error(`Settings are read from PNG, JPEG and WebP, and this is ${head.format}.`);
  return readJson(file);
}

/** Beside those that settings are read from, what tells other programs apart. */
const KEYWORDS: ReadonlySet<string> = new Set([...READ_KEYWORDS, 'Software', 'XML:com.adobe.xmp']);

function fromPicture({ texts, comments, keywords, problems, format }: PictureText): ReadRecipe {
  const restored = recipeOf(texts, comments);
  if (restored && Object.keys(restored.settings).length > 0) return { ...restored, problems };
  if (restored) throw new Error(sentence(restored));
  const program = programOf([...texts.values(), ...comments], keywords);
  const missing =
    format === 'PNG'
      ? 'are neither texts of A1111, Forge or Pagoda in it nor a comment'
      : 'is neither a comment of A1111 or Forge in it nor anything else';
  const reason =
    program === null
      ? `There ${missing} that says what made it. Many sites remove such texts from pictures.`
      : `It is ${program}'s: open it there, and copy what you need.`;
  throw new Error(
    ['This picture has no settings in it that Pagoda reads.', ...(problems.length > 0 ? problems : [reason])].join(' '),
  );
}

/** The first of the texts that has settings in it. A comment may be anything; settings make it an infotext. */
function recipeOf(texts: PictureText['texts'], comments: readonly string[]): Restored | null {
  const own = recipeFromPngTexts(texts, PLAIN_PAG);
  if (own && isTelling(own)) return own;
  for (const comment of comments) {
    const restored = recipeFromPngTexts(new Map([...texts, ['parameters', comment]]), PLAIN_PAG);
    if (restored && isTelling(restored)) return restored;
  }
  return own;
}

function isTelling({ settings }: Restored): boolean {
  return !Object.keys(settings).every((key) => NOT_TELLING.has(key));
}

/** What any text gives, whether it is an infotext or not. */
const NOT_TELLING: ReadonlySet<string> = new Set(['prompt', 'negativePrompt', 'emphasis', 'pagScale']);

async function readJson(file: Blob): Promise<ReadRecipe> {
  const wrong = 'This is neither a picture (PNG, JPEG, WebP) nor a recipe of Pagoda (.json).';
  if (file.size > MAX_JSON) throw new Error(`${wrong} Recipes have at most 1 MiB.`);
  let value: unknown;
  try {
    value = JSON.parse(await file.text());
  } catch (cause) {
    throw new Error(wrong, { cause });
  }
  const restored = parseComfyWorkflow(value) ?? parseRecipe(value);
  if (Object.keys(restored.settings).length === 0) throw new Error(sentence(restored));
  return { ...restored, problems: [] };
}

function sentence({ notRestored }: Restored): string {
  return notRestored[0]?.why ?? 'There are no settings in this recipe.';
}
