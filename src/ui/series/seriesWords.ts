// What is said of a series: how far it is, and what it will take.

import type { SeriesRun } from '../../store/series';
import type { SeriesCost } from '../../store/seriesCost';
import { secondsText } from '../words';

export function progressOf({ outcomes, phase, why }: SeriesRun, isBusy: boolean): string {
  const done = outcomes.filter((one) => one && 'id' in one).length;
  const failed = outcomes.filter((one) => one && 'failed' in one).length;
  const parts = [`${done} of ${outcomes.length} pictures`, ...(failed > 0 ? [`${failed} failed`] : [])];
  if (phase === 'paused') parts.push(isBusy ? 'pauses when this one is done' : 'paused');
  if (phase === 'done' && failed === 0) parts.push('done');
  return `${parts.join(' · ')}${why ? `. ${why}` : ''}`;
}

/** "12 pictures · 720 UNet rows, 1,176 as runs by themselves · about 40 s". */
export function costText(cells: number, { rows, alone, seconds }: SeriesCost): string {
  return [
    cells === 1 ? '1 picture' : `${cells} pictures`,
    ...(rows === null ? [] : [`${rows} UNet rows${alone === rows ? '' : `, ${alone} as runs by themselves`}`]),
    seconds === null ? 'the time is known after a first picture' : `about ${secondsText(seconds)}`,
  ].join(' · ');
}
