// A prompt as what a text encoder reads one after the other: chunks of token ids with a weight each. The tokenizer
// reads every piece by itself. Special tokens and padding weigh 1.

import { isBreak, type Emphasis, type Piece } from '../prompt/pieces';
import { promptPieces } from '../prompt/readPrompt';
import { BREAK_CHUNK, a1111Chunks, comfyChunks, type TokenGroup, type WeighedToken } from './chunks';
import { slotsOf, type PromptTokenizer, type Slot, type Slots } from './tokenizer';

export interface PromptChunk<S extends Slots> {
  /** As many as the text encoder takes. */
  readonly ids: readonly (number | Slot<S>)[];
  /** One an id; null where all are 1. */
  readonly weights: readonly number[] | null;
}

/** A prompt in its parts: words, and what takes the place of tokens. */
export type Split<S extends Slots> = (words: string) => readonly (string | S)[];

/** The tokens of the prompt alone, chunk by chunk, and the pieces that they are of. */
export interface ChunkedTokens<S extends Slots> {
  readonly chunks: readonly (readonly WeighedToken<S>[])[];
  readonly pieces: readonly Piece[];
}

/** @param most chunks that are read; what follows is not. The plain reading has one in any case. */
export function promptChunks<S extends Slots>(
  tokenizer: PromptTokenizer,
  prompt: string,
  { emphasis, split, most = Infinity }: { emphasis: Emphasis; split: Split<S>; most?: number },
): PromptChunk<S>[] {
  if (emphasis === 'plain') {
    const parts = split(prompt);
    const isWords = parts.length === 1 && typeof parts[0] === 'string';
    return [{ ids: tokenizer.encode(isWords ? prompt : parts), weights: null }];
  }
  return chunkedTokens(tokenizer, prompt, emphasis, split)
    .chunks.slice(0, most)
    .map((tokens) => {
      const ids = tokenizer.around(tokens.map(({ token }) => token));
      if (tokens.every(({ weight }) => weight === 1)) return { ids, weights: null };
      const first = tokenizer.before;
      return { ids, weights: ids.map((_, at) => tokens[at - first]?.weight ?? 1) };
    });
}

export function chunkedTokens<S extends Slots>(
  tokenizer: PromptTokenizer,
  prompt: string,
  emphasis: Exclude<Emphasis, 'plain'>,
  split: Split<S>,
): ChunkedTokens<S> {
  const parts = promptPieces(prompt, emphasis);
  const pieces = parts.filter((part): part is Piece => !isBreak(part));
  const tokensOf = (piece: Piece) => tokenGroups(tokenizer, piece, pieces.indexOf(piece), split);
  const { room } = tokenizer;
  if (emphasis === 'comfy') return { pieces, chunks: comfyChunks(pieces.flatMap(tokensOf), room) };
  const groups = parts.flatMap((part): (TokenGroup<S> | typeof BREAK_CHUNK)[] => {
    if (isBreak(part)) return [BREAK_CHUNK];
    // Only what stands in the place of tokens moves whole.
    return tokensOf(part).flatMap((group) =>
      typeof group[0]?.token === 'number' ? group.map((token) => [token]) : [group],
    );
  });
  return { pieces, chunks: a1111Chunks(groups, { room, comma: tokenizer.comma }) };
}

/** One a run of words, and one for each thing between them. */
function tokenGroups<S extends Slots>(
  tokenizer: PromptTokenizer,
  { text, weight }: Piece,
  piece: number,
  split: Split<S>,
): TokenGroup<S>[] {
  let index = 0;
  return split(text).map((part) => {
    const tokens: readonly (number | Slot<S>)[] = typeof part === 'string' ? tokenizer.ids(part) : slotsOf(part);
    return tokens.map((token) => ({ token, weight, piece, index: index++ }));
  });
}
