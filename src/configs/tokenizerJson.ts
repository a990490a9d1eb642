// `tokenizer.json`, as far as it decides what runs and for how long: which kinds of steps it is made of, how much a
// step may make of a text, and its regular expressions, which must be of a form that cannot take a text's length to a
// high power. What the vocabulary means is the tokenizer's own business.

import * as v from 'valibot';
import { list, not, table, text, whole } from './jsonFields';
import { isBounded } from './regex';

const MOST_PIECES = 1_000_000;
/** A Sequence may hold Sequences; none needs more. */
const DEPTH = 4;
const MOST_STEPS = 16;
/** How many letters a replacement may put in the place of one, all replacements together. */
const MOST_GROWTH = 64;

const KINDS: ReadonlySet<string> = new Set([
  'Sequence',
  'NFC',
  'NFD',
  'NFKC',
  'NFKD',
  'Lowercase',
  'Strip',
  'StripAccents',
  'Replace',
  'Prepend',
  'Precompiled',
  'BertNormalizer',
  'Split',
  'ByteLevel',
  'Whitespace',
  'WhitespaceSplit',
  'BertPreTokenizer',
  'Punctuation',
  'Digits',
  'Metaspace',
]);

/** A normalizer or pre-tokenizer, or the steps of one; null where there is none. */
const steps = v.pipe(
  v.unknown(),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const fault = faultOf(dataset.value);
    if (fault !== null) addIssue({ message: fault });
  }),
);

export const TOKENIZER = v.pipe(
  v.looseObject(
    {
      added_tokens: v.nullish(
        list(v.looseObject({ id: whole(0, 2 ** 31 - 1), content: text }, not('must be an object')), 10_000),
      ),
      normalizer: v.optional(steps),
      pre_tokenizer: v.optional(steps),
      model: v.looseObject(
        {
          vocab: v.union(
            [table(whole(0, 2 ** 31 - 1), MOST_PIECES), list(v.array(v.union([v.string(), v.number()])), MOST_PIECES)],
            'must be a vocabulary',
          ),
          merges: v.nullish(list(v.union([v.string(), v.array(v.string())]), MOST_PIECES)),
        },
        not('must be an object'),
      ),
    },
    not('must be an object'),
  ),
  v.transform((value): object => value),
);

function faultOf(root: unknown): string | null {
  const queue: { readonly step: unknown; readonly depth: number }[] = [{ step: root, depth: 0 }];
  let count = 0;
  let growth = 1;
  for (let next = queue.pop(); next; next = queue.pop()) {
    const { step, depth } = next;
    if (step === null || step === undefined) continue;
    if (typeof step !== 'object') return 'must be an object';
    const { type, normalizers, pretokenizers, pattern, content, prepend } = step as Readonly<Record<string, unknown>>;
    if (typeof type !== 'string' || !KINDS.has(type))
      return `has a step of a kind that Pagoda does not know (${String(type).slice(0, 40)})`;
    if ((count += 1) > MOST_STEPS || depth > DEPTH) return 'has more steps than any tokenizer needs';
    const expression =
      typeof pattern === 'object' && pattern !== null
        ? (pattern as Readonly<Record<string, unknown>>)['Regex']
        : undefined;
    if (expression !== undefined && typeof expression !== 'string') return 'has a regular expression that is no text';
    if (expression !== undefined && !isBounded(expression))
      return `has a regular expression that may take for ever (${expression.slice(0, 100)})`;
    for (const added of [content, prepend]) growth *= typeof added === 'string' ? Math.max(1, added.length) : 1;
    if (growth > MOST_GROWTH) return 'has replacements that make a text far longer';
    const inner: readonly unknown[] = [normalizers, pretokenizers]
      .filter((some) => Array.isArray(some))
      .flatMap((some: unknown[]) => some.slice(0, MOST_STEPS + 1));
    if (inner.length > MOST_STEPS) return 'has more steps than any tokenizer needs';
    queue.push(...inner.map((one) => ({ step: one, depth: depth + 1 })));
  }
  return null;
}
