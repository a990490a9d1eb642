// The words and figures of the model dialog.

import type { StoredModel } from '../../library/libraryMessages';
import { sizeText } from '../../store/models';
import { labelOf } from '../../settings/fields';
import type { Choice } from '../../store/choice';
import type { Brought } from '../../store/modelSwitch';
import { secondsText } from '../words';

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
    case 'paused':
      return `${share} · paused`;
    case 'waiting':
      return `${share} · waiting`;
    case 'failed':
      return `${share} · stopped`;
    case 'fetching': {
      if (fetchedBytes >= bytes) return `${share} · checking`;
      if (!bytesPerSecond) return share;
      return `${share} · ${sizeText(bytesPerSecond)}/s · ${secondsText((bytes - fetchedBytes) / bytesPerSecond)} left`;
    }
  }
}

/** What a name says of a model: it is a guess, and said to be one. */
export function saidByName({ kind, note }: NonNullable<Choice['byName']>): string {
  const guess = `By its name it is distilled (${kind}), which no weight tells.`;
  return note === null ? guess : `${guess} ${note}`;
}

/**
 * Settings that a model brings: "4 steps, CFG off, PAG scale 1, Euler, trailing timesteps"; '' where there are none.
 */
export function usualText({
  steps,
  guidanceScale,
  pagScale,
  layers,
  scheduler,
  sigmas,
  spacing,
}: Brought['set']): string {
  const parts = [
    steps === undefined ? null : `${steps} ${steps === 1 ? 'step' : 'steps'}`,
    guidanceScale === undefined ? null : guidanceScale > 1 ? `CFG scale ${guidanceScale}` : 'CFG off',
    pagScale === undefined ? null : pagScale > 0 ? `PAG scale ${pagScale}` : 'PAG off',
    layers === undefined ? null : `layers ${layers}`,
    scheduler === undefined ? null : labelOf('scheduler', scheduler),
    sigmas === undefined ? null : sigmas === 'model' ? 'the model’s sigmas' : `${labelOf('sigmas', sigmas)} sigmas`,
    spacing === undefined
      ? null
      : spacing === 'model'
        ? 'the model’s timesteps'
        : `${labelOf('spacing', spacing).toLowerCase()} timesteps`,
  ];
  return parts.filter((part) => part !== null).join(', ');
}
