// The steps of the pair that is shown, saved as a short animation.

import type { StepTrace } from '../protocol/runSteps';
import { pictureName } from '../image/png';
import { stepsGif } from '../image/stepsGif';
import type { Shown } from './job';
import { download } from './saveFile';

/** @param steps of the run that made it, in order. @throws where the browser gives no canvas, or is offline */
export async function saveSteps({ pair, size, settings }: Shown, steps: readonly StepTrace[]): Promise<void> {
  const of = (withoutPag: StepTrace['withoutPag'], withPag: StepTrace['withPag'], pagScale: number) => [
    ...(withoutPag ? [{ pixels: withoutPag, caption: 'Without PAG' }] : []),
    { pixels: withPag, caption: pagScale > 0 ? `PAG ${pagScale}` : 'Without PAG' },
  ];
  const frames = steps.map(({ step, withoutPag, withPag, pagScale }) => ({
    pictures: of(withoutPag, withPag, Number(pagScale.toPrecision(3))),
    words: `step ${step + 1} of ${steps.length}`,
  }));
  const last = {
    pictures: of(pair.withoutPag, pair.withPag, settings.pagScale),
    words: settings.prompt.trim() || 'Pagoda',
  };
  download(await stepsGif([...frames, last], size), `${pictureName(settings.prompt, settings.seed)}-steps.gif`);
}
