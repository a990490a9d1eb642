// Embeddings (textual inversion) in prompts: each is used by its name, which stands as a word of its own, in whatever
// case, as text encoders read it, or behind ComfyUI's `embedding:`. Of names that begin alike the longest counts.

/** A prompt in order: words as they are written, and the names of embeddings between them. */
export type PromptPart = string | { readonly name: string };

export function splitAtNames(prompt: string, names: readonly string[]): PromptPart[] {
  if (names.length === 0) return [prompt];
  const longestFirst = [...names].sort((a, b) => b.length - a.length);
  const own = new Map(longestFirst.map((name) => [name.toLowerCase(), name]));
  const any = longestFirst.map(literally).join('|');
  const words = new RegExp(String.raw`(?<![\p{L}\p{N}_])(?:embedding:)?(${any})(?![\p{L}\p{N}_])`, 'giu');
  return prompt.split(words).map((part, at) => (at % 2 === 0 ? part : { name: own.get(part.toLowerCase()) ?? part }));
}

/** A regular expression that is this text and nothing else. */
function literally(text: string): string {
  return text.replace(/[^\p{L}\p{N}_]/gu, (sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`);
}

/** Names that stand in any of the prompts. */
export function namesIn(prompts: readonly string[], names: readonly string[]): string[] {
  const found = new Set(
    prompts.flatMap((prompt) =>
      splitAtNames(prompt, names).flatMap((part) => (typeof part === 'string' ? [] : part.name)),
    ),
  );
  return names.filter((name) => found.has(name));
}
