// CLIP's own vocabulary, which single files of Stable Diffusion do without: all of them use the same. It follows from
// the list of merges: the bytes as signs, the same as ends of words, what each merge joins, and the two special tokens.

import type { TokenizerConfig } from '../configs/schemas';
import { clipTokenizerJson } from './clipFiles';

const END_OF_WORD = '</w>';
const SPECIAL = ['<|startoftext|>', '<|endoftext|>'] as const;
const TOKENS = 77;

export interface ClipTokenizer {
  readonly tokenizer: object;
  readonly tokenizerConfig: TokenizerConfig;
}

/**
 * @param merges "a b" a line, best first.
 * @param padTokenId what fills up a prompt: CLIP's end, or OpenCLIP's 0, which is "!".
 * @throws EngineError `model-invalid` where the lines are no merges.
 */
export function clipTokenizer(merges: string, padTokenId: 49407 | 0): ClipTokenizer {
  const signs = byteSigns();
  const joined = merges.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim().replace(' ', '')]));
  const pieces = [...signs, ...signs.map((sign) => sign + END_OF_WORD), ...joined, ...SPECIAL];
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const tokenizerConfig = { model_max_length: TOKENS, pad_token: padTokenId === 0 ? '!' : SPECIAL[1] };
  return { tokenizer: clipTokenizerJson(vocab, merges, tokenizerConfig), tokenizerConfig };
}

/** Bytes that print stand for themselves and come first; the others follow from U+0100 on. */
function byteSigns(): string[] {
  const printed = [...range(33, 126), ...range(161, 172), ...range(174, 255)];
  return [...printed, ...range(256, 255 + 256 - printed.length)].map((code) => String.fromCharCode(code));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
