// How many tokens a run's contexts have, as far as that asks more of the device than one chunk does.

import { PROMPT_TOKENS } from '../models/preflight';
import { phasesOf } from '../settings/earlierSteps';
import type { Settings } from '../settings/fields';
import type { DiffusionModel } from './diffusionModel';

/** Those of one chunk where they are fewer, for which models are weighed at first. */
export function contextOfRun({ prompts }: DiffusionModel, settings: Settings): number {
  const { emphasis } = settings;
  try {
    const tokens = phasesOf(settings).map(({ prompt: positive, negativePrompt: negative }) =>
      prompts.contextTokens({ positive, negative, emphasis }),
    );
    return Math.max(PROMPT_TOKENS, ...tokens);
  } catch {
    return PROMPT_TOKENS; // a tokenizer that stumbles is said by the run, which has the means to
  }
}
