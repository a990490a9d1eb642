// The words and figures of the model dialog.

import type { StoredModel } from '../models/messages';
import { sizeText } from '../store/models';
import { secondsText } from './words';

/** Rounded down: 100 % is said only when all is there. */
export function percentText({ bytes, fetchedBytes }: Pick<StoredModel, 'bytes' | 'fetchedBytes'>): string {
  return `${bytes === 0 ? 100 : Math.floor((100 * fetchedBytes) / bytes)} %`;
}

/** What a model in the store is doing: "0.6 of 2.5 GB · 21 MB/s · 2 min left". */
export function storedText(model: StoredModel): string {
  const { state, bytes, fetchedBytes, bytesPerSecond } = model;
  if (state === 'whole') return `${sizeText(bytes)} · works offline`;
  const share = `${sizeText(fetchedBytes)} of ${sizeText(bytes)}`;
  switch (state) {
    case 'paused': return `${share} · paused`;
    case 'waiting': return `${share} · waiting`;
    case 'failed': return `${share} · stopped`;
    case 'fetching': {
      if (fetchedBytes >= bytes) return `${share} · checking`;
      if (!bytesPerSecond) return share;
      return `${share} · ${sizeText(bytesPerSecond)}/s · ${secondsText((bytes - fetchedBytes) / bytesPerSecond)} left`;
    }
  }
}
