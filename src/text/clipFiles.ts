// CLIP's tokenizer from the two files that it was published with: `vocab.json` (piece → id) and `merges.txt`
// (pairs, best first). Writes what `tokenizer.json` would hold: NFC, one space, lower case; words, single digits
// and runs of signs, as bytes; BPE where the last piece of a word ends in `</w>`.

import type { TokenizerConfig } from '../configs/schemas';
import { EngineError } from '../protocol/errors';

const WORDS = String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;
const BOS = '<|startoftext|>';
const EOS = '<|endoftext|>';

/** @throws EngineError `model-invalid` where the two files are not a CLIP vocabulary. */
export function clipTokenizerJson(
  vocab: Readonly<Record<string, number>>,
  merges: string,
  config: TokenizerConfig,
): object {
  const idOf = (token: string): number => {
    const id = vocab[token];
    if (id !== undefined) return id;
    throw invalid(`${token} is not in vocab.json.`);
  };
  const bos = { content: BOS, id: idOf(BOS) };
  const eos = { content: EOS, id: idOf(EOS) };
  const pad = typeof config.pad_token === 'string' ? config.pad_token : config.pad_token?.content;
  const special = [
    bos,
    eos,
    ...(pad === undefined || pad === BOS || pad === EOS ? [] : [{ content: pad, id: idOf(pad) }]),
  ];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    // The padding token may be an ordinary sign ("!"), which prompts contain as such.
    added_tokens: special.map((token) => ({
      ...token,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [EOS, eos.id],
      cls: [BOS, bos.id],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: EOS,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges: pairs(merges),
    },
  };
}

/** "a b" per line, behind a first line that names the version. */
function pairs(merges: string): [string, string][] {
  const lines = merges
    .split('\n')
    .filter((line, at) => line.trim() !== '' && !(at === 0 && line.startsWith('#version')));
  return lines.map((line) => {
    const [left, right, ...rest] = line.trim().split(' ');
    if (left === undefined || right === undefined || rest.length > 0)
      throw invalid(`merges.txt has a line that is no pair: ${line.slice(0, 80)}`);
    return [left, right];
  });
}

function invalid(detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    "The model's tokenizer cannot be read. Fetch the model again, or choose another.",
    detail,
  );
}
