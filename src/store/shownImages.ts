// The images of a run of several: what is there of each, and which one is looked at, saved and taken elsewhere. While
// they are made that is the one that grows, until somebody chooses another. One that is finished stays, whatever
// becomes of the others.

import type { RunStats } from '../protocol/events';
import type { Pair } from '../protocol/pictureData';
import type { Recipe } from '../recipe/recipe';
import type { Shown } from './job';

export interface ShownImages {
  readonly all: readonly ShownImage[];
  /** Whose pair, recipe and stats the shown ones are. */
  readonly chosen: number;
  /** Whether somebody has chosen it. */
  readonly isPicked: boolean;
}

export interface ShownImage {
  /** null before anything of it can be seen, or where it could not be made. */
  readonly pair: Pair | null;
  /** Of a finished one. */
  readonly recipe: Recipe | null;
  /** Of the run as far as it had come; null while this is a preview. */
  readonly stats: RunStats | null;
}

/** Those that are finished, by which of the run's they are. */
export type MadeImages = ReadonlyMap<number, ShownImage & { readonly pair: Pair }>;

const NOTHING: ShownImage = { pair: null, recipe: null, stats: null };

/**
 * Of a run that goes on.
 * @param before what was there of it; null at its first. @param seen what is seen now, the first at the place `at`
 */
export function withImages(
  before: ShownImages | null,
  count: number,
  made: MadeImages,
  seen: readonly ShownImage[],
  at: number,
): ShownImages {
  const all = Array.from(
    { length: count },
    (_, image) => made.get(image) ?? seen[image - at] ?? before?.all[image] ?? NOTHING,
  );
  const isPicked = before?.isPicked === true;
  return { all, chosen: isPicked ? before.chosen : at, isPicked };
}

/** Of a run that has ended: no previews, and nothing behind the last that is finished. */
export function finishedImages(before: ShownImages | null, made: MadeImages): ShownImages {
  const [first = 0] = [...made.keys()].sort((one, other) => one - other);
  const all = Array.from({ length: 1 + Math.max(...made.keys()) }, (_, image) => made.get(image) ?? NOTHING);
  const isPicked = before?.isPicked === true && made.has(before.chosen);
  return { all, chosen: isPicked ? before.chosen : first, isPicked };
}

/** Which could not be made, as a sentence that ends with a space; '' where none was. */
export function missingText(made: MadeImages, count: number): string {
  if (made.size === 0) return '';
  const missing = Array.from({ length: count }, (_, image) => image).filter((image) => !made.has(image));
  if (missing.length === 0) return `All ${count} images are finished and kept. `;
  const ranges: [first: number, last: number][] = [];
  for (const image of missing) {
    const last = ranges.at(-1);
    if (last?.[1] === image - 1) last[1] = image;
    else ranges.push([image, image]);
  }
  const texts = ranges.map(([from, to]) => (from === to ? `${from + 1}` : `${from + 1} to ${to + 1}`));
  const which = [texts.slice(0, -1).join(', '), texts.at(-1)].filter(Boolean).join(' and ');
  const rest = made.size === 1 ? 'the other is' : 'the others are';
  return `Image${missing.length === 1 ? '' : 's'} ${which} of ${count} could not be made; ${rest} finished and kept. `;
}

/** With another of its images in the place of the chosen one; as it is where nothing of that can be seen. */
export function choose(shown: Shown, image: number): Shown {
  const { pair, recipe, stats } = shown.images?.all[image] ?? NOTHING;
  if (!shown.images || !pair) return shown;
  return { ...shown, pair, recipe, stats, images: { ...shown.images, chosen: image, isPicked: true } };
}

/** Each of its images by itself, under an id of its own; those of which nothing can be seen are left out. */
export function eachImage(shown: Shown): readonly Shown[] {
  const { images, runId, ...rest } = shown;
  if (!images) return [shown];
  return images.all.flatMap(({ pair, ...own }, image) =>
    pair ? [{ ...rest, pair, ...own, runId: image === 0 ? runId : `${runId}.${image}` }] : [],
  );
}
