// The images of a run of several: what is there of each, and which one is looked at, saved and taken elsewhere. While
// they are made that is the one that grows, until somebody chooses another.

import type { Pair } from '../protocol/pictureData';
import type { Recipe } from '../recipe/recipe';
import type { Shown } from './job';

export interface ShownImages {
  readonly all: readonly ShownImage[];
  /** Whose pair and recipe the shown ones are. */
  readonly chosen: number;
  /** Whether somebody has chosen it. */
  readonly isPicked: boolean;
}

export interface ShownImage {
  /** null before anything of it can be seen. */
  readonly pair: Pair | null;
  /** Of a finished one. */
  readonly recipe: Recipe | null;
}

/** @param before what was there of this run; null at its first. @param at the place of the first of `made`. */
export function withImages(
  before: ShownImages | null,
  count: number,
  made: readonly ShownImage[],
  at: number,
): ShownImages {
  const all = Array.from(
    { length: count },
    (_, image) => made[image - at] ?? before?.all[image] ?? { pair: null, recipe: null },
  );
  const isPicked = before?.isPicked === true && before.chosen < count;
  return { all, chosen: isPicked ? before.chosen : at, isPicked };
}

/** With another of its images in the place of the chosen one; as it is where nothing of that can be seen. */
export function choose(shown: Shown, image: number): Shown {
  const one = shown.images?.all[image];
  if (!shown.images || !one?.pair) return shown;
  return { ...shown, pair: one.pair, recipe: one.recipe, images: { ...shown.images, chosen: image, isPicked: true } };
}

/** Each of its images by itself; those of which nothing can be seen are left out. */
export function eachImage(shown: Shown): readonly Shown[] {
  const { images, ...rest } = shown;
  if (!images) return [shown];
  return images.all.flatMap(({ pair, recipe }) => (pair ? [{ ...rest, pair, recipe }] : []));
}
