// How many tokens a run's contexts have, as far as that asks more of the device than one chunk does.

import { PROMPT_TOKENS } from '../models/preflight';
import type { Settings } from '../settings/fields';
import type { DiffusionModel } from './diffusionModel';

/** Those of one chunk where they are fewer, for which models are weighed at first. */
export function contextOfRun({ prompts }: DiffusionModel, settings: Settings): number {
  const { prompt: positive, negativePrompt: negative, emphasis } = settings;
  try {
    return Math.max(PROMPT_TOKENS, prompts.contextTokens({ positive, negative, emphasis }));
  } catch {
    return PROMPT_TOKENS; // a tokenizer that stumbles is said by the run, which has the means to
  }
}
