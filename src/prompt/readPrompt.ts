// A prompt in the pieces that its reading makes of it.

import { a1111Pieces } from './a1111Grammar';
import { comfyPieces } from './comfyGrammar';
import type { Emphasis, PromptPart } from './pieces';

/** Of the plain reading, one piece. */
export function promptPieces(prompt: string, emphasis: Emphasis): readonly PromptPart[] {
  if (emphasis === 'comfy') return comfyPieces(prompt);
  if (emphasis !== 'plain') return a1111Pieces(prompt);
  return [{ text: prompt, weight: 1, from: Array.from({ length: prompt.length }, (_, at) => at) }];
}
