// Whether a regular expression is matched in time at most quadratic in a text's length, told from its form alone, so
// that more is refused than must be: nothing that is repeated holds a repetition or a choice, nothing is referred back
// to, and each alternative has one group, one unbounded repetition and few others. The expressions of CLIP's, GPT-2's
// and T5's tokenizers are so.

const MOST_LETTERS = 1000;
const MOST_QUANTIFIERS = 3;
/** Repetitions up to here count as bounded. */
const FEW = 8;
const MOST_CHOICES = 8;

const QUANTIFIER = /^(?:[*+?]|\{\d*(?:,\d*)?\})/;

export function isBounded(expression: string): boolean {
  if (expression.length > MOST_LETTERS) return false;
  let [depth, groups, choices, quantifiers, unbounded] = [0, 0, 0, 0, 0];
  /** Whether what was read last may not be repeated: a group, or a repetition. */
  let final = false;
  for (let at = 0; at < expression.length; at += 1) {
    const letter = expression[at]!;
    const quantifier = QUANTIFIER.exec(expression.slice(at, at + 24))?.[0];
    if (quantifier !== undefined) {
      if (final) return false;
      const most = letter === '?' ? 1 : Number(/(\d+)\}$/.exec(quantifier)?.[1] ?? Infinity);
      quantifiers += 1;
      unbounded += most > FEW ? 1 : 0;
      at += quantifier.length - 1;
      // Lazy, or possessive, which is no repetition of its own.
      const next = expression[at + 1];
      if (next === '?' || (next === '+' && letter !== '{')) at += 1;
    } else if (letter === '\\') {
      if (/[1-9k]/.test(expression[at + 1] ?? '')) return false;
      at += /^\\[pPxu]\{/.test(expression.slice(at, at + 3)) ? Math.max(1, expression.indexOf('}', at) - at) : 1;
    } else if (letter === '[') {
      at = endOfClass(expression, at);
    } else if (letter === '(') {
      depth += 1;
      groups += 1;
      if (expression[at + 1] === '?') at += 1; // `?:`, `?=`, `?!`, `?i:` …
    } else if (letter === ')') {
      depth -= 1;
    } else if (letter === '|') {
      if (depth === 0) [groups, choices, quantifiers, unbounded] = [0, 0, 0, 0];
      else choices += 1;
    }
    if (groups > 1 || choices > MOST_CHOICES || quantifiers > MOST_QUANTIFIERS || unbounded > 1) return false;
    final = letter === ')' || quantifier !== undefined;
  }
  return true;
}

/** Of a class's `]`, behind nested classes. */
function endOfClass(expression: string, start: number): number {
  let depth = 0;
  for (let at = start; at < expression.length; at += 1) {
    const letter = expression[at];
    if (letter === '\\') at += 1;
    else if (letter === '[') depth += 1;
    else if (letter === ']' && (depth -= 1) === 0) return at;
  }
  return expression.length;
}
