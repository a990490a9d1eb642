// How much of a LoRA fits the model, in words.

import type { LoraUse } from '../../protocol/messages';

export const NO_LORA = 'LoRA needs a model from a .safetensors checkpoint: with this model it has no effect.';

export function loraUseText({ used, keys }: LoraUse): string {
  if (used === 0) return `none of its ${keys} keys fits this model, so it has no effect`;
  return used === keys ? `all ${keys} keys used` : `${used} of ${keys} keys used`;
}
