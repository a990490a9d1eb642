// A1111's emphasis: (x) weighs 1.1, [x] 1/1.1, (x:1.3) 1.3, each times what is around it; a backslash takes the meaning
// of the sign behind it. Brackets pair by kind and not by nesting, open ones hold to the end, surplus closing ones are
// text. BREAK, as a word outside of brackets, ends a chunk: its mark is the weight −1, which brackets multiply, so that
// inside of them it is a word again. Neighbours of one weight are one piece.

import { BREAK, type Piece, type PromptPart } from './pieces';

const ROUND = 1.1;
const SQUARE = 1 / 1.1;
const BREAK_MARK = -1;

const NUMBER = String.raw`:\s*[+-]?[.\d]+\s*\)`;
/** The first that fits counts. */
const SIGNS = new RegExp(String.raw`\\[()[\]\\]|\\|\(|\[|${NUMBER}|\)|\]|[^\\()[\]:]+|:`, 'g');
const BREAK_WORD = /\s*(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])\s*/gu;

interface Found {
  text: string;
  weight: number;
  from: number[];
}

/** In order; one empty piece where there is nothing. Throws nothing. */
export function a1111Pieces(prompt: string): readonly PromptPart[] {
  const found: Found[] = [];
  const open: { readonly round: number[]; readonly square: number[] } = { round: [], square: [] };
  const add = (text: string, at: number, weight = 1) =>
    found.push({ text, weight, from: Array.from({ length: text.length }, (_, unit) => at + unit) });
  const weigh = (first: number, factor: number) => {
    for (const piece of found.slice(first)) piece.weight *= factor;
  };
  const read = (sign: string, at: number) => {
    if (sign.startsWith('\\')) return void add(sign.slice(1), at + 1);
    const opened = { '(': open.round, '[': open.square }[sign];
    if (opened) return void opened.push(found.length);
    const factor = sign === ')' ? ROUND : weightOf(sign);
    if (factor !== null && open.round.length > 0) {
      weigh(open.round.pop()!, factor);
      return;
    }
    if (sign === ']' && open.square.length > 0) {
      weigh(open.square.pop()!, SQUARE);
      return;
    }
    let end = 0;
    for (const word of sign.matchAll(BREAK_WORD)) {
      add(sign.slice(end, word.index), at + end);
      add(BREAK, at + word.index + word[0].indexOf(BREAK), BREAK_MARK);
      end = word.index + word[0].length;
    }
    add(sign.slice(end), at + end);
  };
  let end = 0;
  while (end < prompt.length) {
    SIGNS.lastIndex = end;
    let [sign = ''] = SIGNS.exec(prompt) ?? [];
    // A1111 stops at such a number (1.2.3): here it is words.
    if (sign.length > 1 && sign.startsWith(':') && weightOf(sign) === null) sign = ':';
    read(sign, end);
    end += sign.length;
  }
  for (const first of open.round) weigh(first, ROUND);
  for (const first of open.square) weigh(first, SQUARE);
  return joined(found.length > 0 ? found : [{ text: '', weight: 1, from: [] }]);
}

/** Of `:1.3)`; null where that is no number. */
function weightOf(sign: string): number | null {
  if (!sign.startsWith(':') || !sign.endsWith(')')) return null;
  const written = sign.slice(1, -1).trim();
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(written) ? Number(written) : null;
}

function joined(found: readonly Found[]): readonly PromptPart[] {
  const pieces: Found[] = [];
  for (const { text, weight, from } of found) {
    const last = pieces.at(-1);
    if (last?.weight === weight) {
      last.text += text;
      last.from.push(...from);
    } else pieces.push({ text, weight, from: [...from] });
  }
  return pieces.map((piece): Piece | typeof BREAK =>
    piece.text === BREAK && piece.weight === BREAK_MARK ? BREAK : piece,
  );
}
