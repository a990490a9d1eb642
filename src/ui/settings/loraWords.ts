// What a LoRA is, how much of it fits the model and what the prompt says of it, in words.

import type { LoraUse } from '../../protocol/loaded';

export const NO_LORA = 'LoRA needs a model from a .safetensors checkpoint: with this model it has no effect.';

function textOfUse({ used, keys }: LoraUse): string {
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

/** One sentence. `use` is null where it is not known; `inPrompt` where the prompt has no tag of it. */
export function loraText(
  what: string,
  {
    use,
    inPrompt,
  }: {
    readonly use: LoraUse | null;
    readonly inPrompt: { readonly weight: number; readonly note: string | null } | null;
  },
): string {
  const parts = [
    what,
    ...(use ? [textOfUse(use)] : []),
    ...(inPrompt ? [`the prompt gives it ${inPrompt.weight}, which counts`] : []),
  ];
  const sentence = parts.join('; ');
  const first = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
  return inPrompt?.note ? `${first} ${inPrompt.note}` : first;
}
