// Where a prompt that is too long ends for the text encoder. Tokenizers here do not say which letters a token came
// from, so the words are tried: the tokens of a prompt up to the end of a word are the first of the whole prompt's. In
// the word at which it ends, where pieces are bytes (CLIP), bytes are counted, for writing without spaces.

import type { Emphasis } from '../prompt/pieces';
import { chunkedTokens, type Split } from './promptChunks';
import type { PromptTokenizer, Slots } from './tokenizer';

export interface PromptFit {
  /** Of the whole prompt, without the special ones around them. */
  readonly tokens: number;
  /** The most that a chunk has of them. */
  readonly limit: number;
  /** Chunks that are read. */
  readonly chunks: number;
  /** UTF-16 units that are read; the prompt's length where all are. */
  readonly kept: number;
}

/** How a prompt is read. */
export interface Reading<S extends Slots> {
  readonly emphasis: Emphasis;
  /** The most chunks that are read. */
  readonly most: number;
  /** Parts that are no words are not told apart from words that are cut. */
  readonly split: Split<S>;
}

export function promptFit<S extends Slots>(
  tokenizer: PromptTokenizer,
  prompt: string,
  { emphasis, most, split }: Reading<S>,
): PromptFit {
  const limit = tokenizer.room;
  if (emphasis === 'plain') {
    const tokens = tokenizer.pieces(split(prompt)).length;
    return {
      tokens,
      limit,
      chunks: 1,
      kept: tokens <= limit ? prompt.length : keptIn(tokenizer, prompt, limit, split),
    };
  }
  const { chunks, pieces } = chunkedTokens(tokenizer, prompt, emphasis, split);
  const tokens = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const fit = { tokens, limit, chunks: Math.min(most, chunks.length), kept: prompt.length };
  const [cut] = chunks.slice(most).flat();
  if (!cut) return fit;
  const { text, from } = pieces[cut.piece]!;
  return { ...fit, kept: from[keptIn(tokenizer, text, cut.index, split)] ?? prompt.length };
}

/** What CLIP's tokenizer takes for words, of whatever case: letters, one digit, or signs. */
const WORDS = /\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;

/** UTF-16 units of the words that lie wholly in the first `limit` tokens, of which there are more. */
function keptIn<S extends Slots>(tokenizer: PromptTokenizer, prompt: string, limit: number, split: Split<S>): number {
  const words = [...prompt.matchAll(WORDS)].map(({ 0: word, index }) => ({ start: index, end: index + word.length }));
  const countTo = (end: number) => tokenizer.pieces(split(prompt.slice(0, end))).length;
  // The first word that is not wholly read.
  let [low, high] = [0, words.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (countTo(words[middle]?.end ?? 0) > limit) high = middle;
    else low = middle + 1;
  }
  const { start, end } = words[low] ?? { start: 0, end: 0 };
  const before = countTo(words[low - 1]?.end ?? 0);
  return start + keptOfWord(tokenizer, prompt.slice(start, end), Math.max(0, limit - before));
}

/** UTF-16 units of the letters that lie wholly in the first `room` pieces; 0 where pieces are not bytes. */
function keptOfWord(tokenizer: PromptTokenizer, word: string, room: number): number {
  // A byte is one letter of such a vocabulary; the last piece of a word is marked.
  const lengths = tokenizer.pieces(word).map((piece) => piece.replace(/<\/w>$/, '').length);
  const letters = [...new Intl.Segmenter().segment(word)].map(({ segment }) => ({
    units: segment.length,
    bytes: new TextEncoder().encode(segment.normalize('NFC').toLowerCase()).length,
  }));
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
  if (sum(lengths) !== sum(letters.map(({ bytes }) => bytes))) return 0;
  let left = sum(lengths.slice(0, room));
  const first = letters.findIndex(({ bytes }) => (left -= bytes) < 0);
  return sum(letters.slice(0, first).map(({ units }) => units));
}
