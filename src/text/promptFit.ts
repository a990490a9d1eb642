// Where a prompt that is too long ends for the text encoder. Tokenizers here do not say which letters a token came
// from, so the words are tried: the tokens of a prompt up to the end of a word are the first of the whole prompt's. In
// the word at which it ends, where pieces are bytes (CLIP), bytes are counted, for writing without spaces.

import type { Part, PromptTokenizer } from './tokenizer';

export interface PromptFit {
  /** Of the whole prompt, and the most that are read, without the special ones around them. */
  readonly tokens: number;
  readonly limit: number;
  /** UTF-16 units that are read; the prompt's length where all are. */
  readonly kept: number;
}

/** What CLIP's tokenizer takes for words, of whatever case: letters, one digit, or signs. */
const WORDS = /\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;

/** @param split a prompt in its parts; those that are no words are not told apart from words that are cut. */
export function promptFit(
  tokenizer: PromptTokenizer,
  prompt: string,
  split: (prompt: string) => readonly Part[] = (text) => [text],
): PromptFit {
  const limit = tokenizer.room;
  const tokens = tokenizer.pieces(split(prompt)).length;
  if (tokens <= limit) return { tokens, limit, kept: prompt.length };
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
  return { tokens, limit, kept: start + keptOfWord(tokenizer, prompt.slice(start, end), Math.max(0, limit - before)) };
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
