// What an embedding is and whether it counts, in words.

export const NO_EMBEDDINGS = 'This model’s text encoder takes no embeddings: with it their names are plain words.';

/** `fits` is null where it is not known yet. */
export function embeddingText(
  { name, what }: { readonly name: string; readonly what: string },
  { fits, isNamed }: { readonly fits: boolean | null; readonly isNamed: boolean },
): string {
  if (fits === false) return `${what}. It does not fit this model’s text encoder, so its name is plain words.`;
  return `${what}. ${isNamed ? 'In use: a prompt names it.' : `Write “${name}” in a prompt to use it.`}`;
}
