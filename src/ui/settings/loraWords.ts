// How much of a LoRA fits the model, in words.

import type { LoraUse } from '../../protocol/messages';

export const NO_LORA = 'LoRA needs a model from a .safetensors checkpoint: with this model it has no effect.';

export function loraUseText({ used, keys }: LoraUse): string {
  if (used === 0) return `none of its ${keys} keys fits this model, so it has no effect`;
  return used === keys ? `all ${keys} keys used` : `${used} of ${keys} keys used`;
}

/** Of tags in the prompt. */
export function missingText(names: readonly string[]): string {
  const all = names.map((name) => `“${name}”`).join(' and ');
  return names.length === 1
    ? `The LoRA ${all} is not loaded, so its tag has no effect: add its file under LoRA.`
    : `The LoRA ${all} are not loaded, so their tags have no effect: add their files under LoRA.`;
}

/** What the prompt says in place of the weight in the form. */
export function taggedText(weight: number, note: string | null): string {
  return [`in the prompt it has ${weight}, which counts`, ...(note === null ? [] : [lowered(note)])].join('; ');
}

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
}
