// An infotext in its parts: the prompt, lines that begin with `Negative prompt:`, and the settings, a line of `Key:
// value` pairs with commas between them. A value may stand in JSON's quotes, be a list or an object of JSON, and
// programs add lines behind the settings (`Template: …`). One walk over the text, without a limit on lengths; each
// letter is looked at a bounded number of times (`steps`), whatever it says.

export interface InfotextParts {
  readonly prompt: string;
  readonly negativePrompt: string;
  /** By key, in order; of two values of one key the last counts, as in A1111. */
  readonly pairs: ReadonlyMap<string, string>;
  /** What stands among the settings and is no pair. */
  readonly stray: readonly string[];
  /** Letters that were looked at. */
  readonly steps: number;
}

const NEGATIVE = 'Negative prompt:';
/**
 * What tells settings from labels and LoRA tags in a prompt, which look like pairs too: a number, a size or a hash as
 * it must be written under one of these keys, and another one of them, in any order; or that one before all else.
 */
const SIGNS: ReadonlyMap<string, RegExp | null> = new Map([
  ['Steps', /^\d+(?:\.\d+)?$/],
  ['Seed', /^-?\d+$/],
  ['CFG scale', /^-?\d*\.?\d+$/],
  ['Size', /^\d+x\d+$/],
  ['Model hash', /^[\da-f]{6,64}$/i],
  ['Sampler', null],
  ['Schedule type', null],
  ['Model', null],
]);
const SIGN = new RegExp(`(?:^|,)\\s*(?:${[...SIGNS.keys()].join('|')}):`, 'g');
/** As A1111 decides it: fewer pairs are still prompt. */
const FEWEST = 3;
const MAX_PAIRS = 1000;

export function infotextParts(text: string): InfotextParts {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.trim());
  const trimmed = lines.join('\n');
  let steps = text.length;
  /** Letters that walks without a result may look at in all. */
  const enough = 4 * text.length + 1000;
  let found: Pairs | null = null;
  let at = lines.length;
  // The last of the likeliest lines: what stands behind it belongs to it.
  for (let line = lines.length - 1, start = trimmed.length + 1; line >= 0; line -= 1) {
    const words = lines[line]!;
    start -= words.length + 1;
    steps += words.length;
    if (!mayBeginSettings(words)) continue;
    const pairs = new Pairs(trimmed.slice(start));
    pairs.readAll();
    steps += pairs.steps;
    if (pairs.likelihood > (found?.likelihood ?? 0)) [found, at] = [pairs, line];
    if (found?.likelihood === CERTAIN || lines.length - line > MAX_LINES_BEHIND || steps > enough) break;
  }
  const prompts = { prompt: [] as string[], negative: [] as string[] };
  let isNegative = false;
  for (const line of found ? lines.slice(0, at) : lines) {
    isNegative ||= line.startsWith(NEGATIVE);
    const words = line.startsWith(NEGATIVE) ? line.slice(NEGATIVE.length).trim() : line;
    prompts[isNegative ? 'negative' : 'prompt'].push(words);
  }
  return {
    prompt: prompts.prompt.join('\n'),
    negativePrompt: prompts.negative.join('\n'),
    pairs: found?.pairs ?? new Map<string, string>(),
    stray: found?.stray ?? [],
    steps,
  };
}

/** So many lines at most are looked at as a beginning of the settings, from the end. */
const MAX_LINES_BEHIND = 200;

function mayBeginSettings(line: string): boolean {
  const [, key] = BEGIN.exec(line) ?? [];
  if (key === undefined || line.startsWith(NEGATIVE)) return false;
  return Boolean(SIGNS.get(key)) || (line.match(SIGN)?.length ?? 0) > 1;
}

/** Settings that begin as A1111 writes them, with the steps. */
const CERTAIN = 3;

/** One walk along the settings. */
class Pairs {
  readonly pairs = new Map<string, string>();
  readonly stray: string[] = [];
  steps = 0;
  private at = 0;
  private inFirstLine = 0;
  /** Signs of settings in the first line, and those of them that are as they must be written. */
  private readonly signs = new Set<string>();
  private readonly formed = new Set<string>();
  private isFirst = true;
  private last = '';
  /** No quote, or no bracket, closes behind here. */
  private openQuote = false;
  private openBracket = false;

  constructor(private readonly text: string) {}

  /** How surely the first line is one of settings: from 0, where it is not, to `CERTAIN`. */
  get likelihood(): number {
    const [first] = this.pairs.keys();
    const leads = first !== undefined && this.formed.has(first);
    if (this.inFirstLine < FEWEST || this.formed.size === 0 || (this.signs.size < 2 && !leads)) return 0;
    if (!this.formed.has('Steps')) return 1;
    return first === 'Steps' ? CERTAIN : 2;
  }

  readAll(): void {
    while (this.at < this.text.length && this.pairs.size < MAX_PAIRS) {
      if (this.isFirst) this.readPair();
      else this.readLine();
    }
  }

  private readPair(): void {
    this.skip(/[ \t]/);
    const key = this.readKey();
    if (key === null) {
      const rest = this.readPlain().trim();
      if (rest !== '') this.stray.push(rest);
    } else {
      this.skip(/[ \t]/);
      this.inFirstLine += 1;
      const value = this.readQuoted() ?? this.readBrackets() ?? this.readPlain();
      const form = SIGNS.get(key);
      if (form !== undefined) this.signs.add(key);
      if (form?.test(value)) this.formed.add(key);
      this.put(key, value);
    }
    if (this.text[this.at] === '\n') this.isFirst = false;
    this.at += 1;
  }

  /** A line behind the settings: one pair whose value is the whole line, or more of the value before it. */
  private readLine(): void {
    const begin = this.at;
    const key = this.readKey();
    let end = this.text.indexOf('\n', this.at);
    if (end < 0) end = this.text.length;
    if (key === null) {
      const more = this.text.slice(begin, end).trim();
      if (more !== '' && this.last !== '') this.pairs.set(this.last, `${this.pairs.get(this.last) ?? ''}\n${more}`);
    } else this.put(key, this.readQuoted() ?? this.text.slice(this.at, end).trim());
    this.steps += Math.max(0, end - this.at);
    this.at = Math.max(this.at, end) + 1;
  }

  private put(key: string, value: string): void {
    this.pairs.set(key, value);
    this.last = key;
  }

  private skip(what: RegExp): void {
    while (what.test(this.text[this.at] ?? '')) this.step();
  }

  private step(): string {
    this.steps += 1;
    return this.text[this.at++] ?? '';
  }

  /** Letters, digits, spaces, hyphens and slashes up to a colon, which is passed; null where there are none. */
  private readKey(): string | null {
    const begin = this.at;
    let end = begin;
    while (end < this.text.length && end - begin < 80 && KEY.test(this.text[end]!)) end += 1;
    this.steps += end - begin + 1;
    if (end - begin < 2 || this.text[end] !== ':' || /[ /-]/.test(this.text[begin]!)) return null;
    this.at = end + 1;
    return this.text.slice(begin, end);
  }

  /** Up to a comma or the line's end, which is not passed. */
  private readPlain(): string {
    const begin = this.at;
    while (this.at < this.text.length && this.text[this.at] !== ',' && this.text[this.at] !== '\n') this.step();
    return this.text.slice(begin, this.at).trim();
  }

  /** A value in quotes that a comma, a line's end or nothing follows; line breaks may be in it. */
  private readQuoted(): string | null {
    while (this.text[this.at] === ' ') this.step();
    if (this.text[this.at] !== '"' || this.openQuote) return null;
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    this.steps += end - this.at;
    if (end >= this.text.length) this.openQuote = true;
    return end < this.text.length ? this.take(end + 1, unquoted) : null;
  }

  /** A list or an object of JSON, whose own commas end no value. */
  private readBrackets(): string | null {
    if (!/[[{]/.test(this.text[this.at] ?? '') || this.openBracket) return null;
    let [depth, end, inText] = [0, this.at, false];
    do {
      const letter = this.text[end];
      if (inText && letter === '\\') end += 1;
      else if (letter === '"') inText = !inText;
      else if (!inText && (letter === '[' || letter === '{')) depth += 1;
      else if (!inText && (letter === ']' || letter === '}')) depth -= 1;
      end += 1;
    } while (depth > 0 && end < this.text.length);
    this.steps += end - this.at;
    if (depth > 0) this.openBracket = true;
    return depth > 0 ? null : this.take(end, (value) => value);
  }

  /** The value that ends at `end`, where a comma or a line's end is next. */
  private take(end: number, read: (value: string) => string): string | null {
    let next = end;
    while (this.text[next] === ' ') next += 1;
    this.steps += next - end;
    if (next < this.text.length && this.text[next] !== ',' && this.text[next] !== '\n') return null;
    const value = read(this.text.slice(this.at, end));
    this.at = next;
    return value;
  }
}

const KEY = /[\p{L}\p{M}\p{N}_ /-]/u;
const BEGIN = /^([\p{L}\p{M}\p{N}_][\p{L}\p{M}\p{N}_ /-]{1,79}):/u;

/** The text in JSON's quotes; some programs leave line breaks in it as they are. */
function unquoted(value: string): string {
  try {
    return String(JSON.parse(value.replaceAll('\n', '\\n').replaceAll('\t', '\\t')));
  } catch {
    return value.slice(1, -1);
  }
}
