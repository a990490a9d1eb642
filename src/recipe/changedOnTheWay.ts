// What is said of a run that changes on the way where a text cannot say it: other programs get its last settings.

import { changeLines } from '../settings/changeWords';
import { changesOf } from '../settings/earlierSteps';
import type { RecipeSettings } from '../settings/fields';

export function changedWarnings(settings: RecipeSettings, program: string): readonly string[] {
  const changes = changesOf(settings).filter(({ held }) => Object.keys(held).length > 0);
  const [first] = changes;
  if (!first) return [];
  const last = changes.at(-1)!.from;
  return [
    `This run changed on the way (${changeLines(settings).join('; ')}), which is not said to ${program}: ` +
      `it has what held from step ${last + 1} on, and the picture becomes another one.`,
  ];
}
