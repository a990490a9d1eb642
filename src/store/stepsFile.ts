// The steps of the pair that is shown, saved as a short animation.

import type { Pixels } from '../protocol/pictureData';
import type { Estimate, StepTrace } from '../protocol/runSteps';
import { pictureName } from '../image/png';
import { stepsGif } from '../image/stepsGif';
import type { Shown } from './job';
import { download } from './saveFile';
import { decodedPicture, decodesAtOnce, stepPicture } from './stepPictures';

/**
 * In pictures that are decoded, where that takes no time; else coarse ones.
 * @param steps of the run that made it, in order
 * @param isDecoded whether its model is loaded
 * @throws where the browser gives no canvas, or is offline, or there is no picture of a step
 */
export async function saveSteps(shown: Shown, steps: readonly StepTrace[], isDecoded: boolean): Promise<void> {
  const { pair, size, settings, ref } = shown;
  const { signal } = new AbortController();
  const pictureOf = async (estimate: Estimate, step: StepTrace): Promise<Pixels> => {
    const isLatents = 'halves' in estimate && isDecoded && decodesAtOnce(shown, step);
    const decoded = isLatents ? await decodedPicture(ref, estimate, signal) : null;
    const picture = stepPicture(estimate, step, decoded ?? undefined, pair.withPag);
    if (!picture) throw new Error('There is no picture of this step.');
    return picture;
  };
  const of = (withoutPag: Pixels | null, withPag: Pixels, pagScale: number) => [
    ...(withoutPag ? [{ pixels: withoutPag, caption: 'Without PAG' }] : []),
    { pixels: withPag, caption: pagScale > 0 ? `PAG ${pagScale}` : 'Without PAG' },
  ];
  const frames = [];
  for (const step of steps) {
    const withoutPag = step.withoutPag && (await pictureOf(step.withoutPag, step));
    const pictures = of(withoutPag, await pictureOf(step.withPag, step), Number(step.pagScale.toPrecision(3)));
    frames.push({ pictures, words: `step ${step.step + 1} of ${steps.length}` });
  }
  const last = {
    pictures: of(pair.withoutPag, pair.withPag, settings.pagScale),
    words: settings.prompt.trim() || 'Pagoda',
  };
  download(await stepsGif([...frames, last], size), `${pictureName(settings.prompt, settings.seed)}-steps.gif`);
}
