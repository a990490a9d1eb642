// A run that changes on the way, in words.

import { changesOf, type Held } from './earlierSteps';
import type { Settings } from './fields';

/** "PAG scale 5 and layers mid". */
export function heldText(held: Partial<Held>): string {
  const { pagScale, guidanceScale, layers, prompt, negativePrompt } = held;
  const parts = [
    ...(pagScale === undefined ? [] : [`PAG scale ${pagScale}`]),
    ...(guidanceScale === undefined ? [] : [`CFG scale ${guidanceScale}`]),
    ...(layers === undefined ? [] : [`layers ${layers}`]),
    ...(prompt === undefined ? [] : [`prompt “${prompt}”`]),
    ...(negativePrompt === undefined ? [] : [`negative prompt “${negativePrompt}”`]),
  ];
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** "From step 9 on: PAG scale 5", of each change; steps counted from 1. */
export function changeLines(settings: Held & Pick<Settings, 'earlier'>): readonly string[] {
  return changesOf(settings).map(({ from, held }) => `From step ${from + 1} on: ${heldText(held) || 'as before'}`);
}
