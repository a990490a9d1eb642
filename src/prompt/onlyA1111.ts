// What A1111 obeys in a prompt beyond weights and BREAK, and Pagoda does not: AND, which composes predictions; prompt
// editing, which changes the words at a step; and a number at the end, which A1111 multiplies the CFG scale with. They
// are read as the words and brackets that they are, and named. Each is found in one pass.

export type Unread = 'editing' | 'alternation' | 'AND' | 'factor' | 'hypernetwork';

export interface UnreadSyntax {
  readonly kind: Unread;
  /** The first of its kind, as it stands in the prompt. */
  readonly example: string;
}

const AND = /(?<![\p{L}\p{N}_])AND(?![\p{L}\p{N}_])/u;
const HYPERNETWORK = /<[a-z]{2,20}:[^<>\n]{1,200}>/i;
/** `:1.5` and nothing behind it: A1111 takes it from any prompt, with or without AND. */
const FACTOR = /:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*$/;
const WHEN = /:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*$/;

/**
 * @param prompt without LoRA tags.
 * @param isNegative AND and a number at the end are words there for A1111 too.
 */
export function onlyA1111(prompt: string, isNegative = false): readonly UnreadSyntax[] {
  const { editing, alternation } = inSquareBrackets(prompt);
  const found: Readonly<Record<Unread, string | undefined>> = {
    editing,
    alternation,
    hypernetwork: HYPERNETWORK.exec(prompt)?.[0],
    AND: isNegative ? undefined : AND.exec(prompt)?.[0],
    factor: isNegative ? undefined : FACTOR.exec(prompt)?.[0].trim(),
  };
  return (Object.entries(found) as [Unread, string | undefined][]).flatMap(([kind, example]) =>
    example === undefined ? [] : [{ kind, example }],
  );
}

/** [from:to:when], [to:when], [from::when]; [a|b]. */
function inSquareBrackets(prompt: string): { editing?: string; alternation?: string } {
  const found: { editing?: string; alternation?: string } = {};
  const open: { readonly at: number; readonly rounds: number; bar: boolean }[] = [];
  let rounds = 0;
  for (let at = 0; at < prompt.length; at += 1) {
    const sign = prompt[at]!;
    const last = open.at(-1);
    if (sign === '\\') at += 1;
    else if (sign === '(') rounds += 1;
    else if (sign === ')') rounds -= 1;
    else if (sign === '[') open.push({ at, rounds, bar: false });
    else if (sign === '|' && last?.rounds === rounds) last.bar = true;
    else if (sign === ']' && open.pop()) {
      const text = prompt.slice(last!.at, at + 1);
      if (last!.bar) found.alternation ??= text;
      // The number is short: no more than that is looked at.
      else if (WHEN.test(text.slice(-40, -1))) found.editing ??= text;
    }
  }
  return found;
}
