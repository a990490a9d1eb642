// An infotext in its parts: the prompt, lines that begin with `Negative prompt:`, and the settings, a line of `Key: value`
// pairs with commas between them. A value may stand in JSON's quotes, be a list or an object of JSON, and programs add
// lines behind the settings (`Template: …`). One walk over the text, without a limit on lengths; each letter is looked
// at a bounded number of times (`steps`), whatever it says.

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
/** A line of settings has one of these at least: labels and LoRA tags in a prompt look like pairs too. */
const KNOWN = new Set(['Steps', 'Sampler', 'Seed', 'CFG scale', 'Size', 'Model', 'Model hash', 'Schedule type']);
/** As A1111 decides it: fewer pairs are still prompt. */
const FEWEST = 3;
const MAX_PAIRS = 1000;

export function infotextParts(text: string): InfotextParts {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.trim());
  let steps = text.length;
  /** Letters that walks without a result may look at in all. */
  const enough = 4 * text.length + 1000;
  let found: Pairs | null = null;
  let at = lines.length;
  // The last line of settings, one with the steps if there is such: what stands behind it belongs to it.
  for (let line = lines.length - 1; line >= 0; line -= 1) {
    if (!mayBeginSettings(lines[line] as string)) continue;
    const pairs = new Pairs(lines.slice(line).join('\n'));
    pairs.readAll();
    steps += pairs.steps;
    if (pairs.isSettings && (found === null || pairs.pairs.has('Steps'))) [found, at] = [pairs, line];
    if (found?.pairs.has('Steps')) break;
    if (lines.length - line > MAX_LINES_BEHIND || steps > enough) break;
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
  const colon = line.slice(0, 80).indexOf(':');
  return colon > 0 && KNOWN.has(line.slice(0, colon));
}

/** One walk along the settings. */
class Pairs {
  readonly pairs = new Map<string, string>();
  readonly stray: string[] = [];
  steps = 0;
  private at = 0;
  private inFirstLine = 0;
  private known = 0;
  private isFirst = true;
  private last = '';
  /** No quote, or no bracket, closes behind here. */
  private openQuote = false;
  private openBracket = false;

  constructor(private readonly text: string) {}

  get isSettings(): boolean {
    return this.inFirstLine >= FEWEST && this.known > 0;
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
      if (KNOWN.has(key)) this.known += 1;
      this.put(key, this.readQuoted() ?? this.readBrackets() ?? this.readPlain());
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
    while (end < this.text.length && end - begin < 80 && KEY.test(this.text[end] as string)) end += 1;
    this.steps += end - begin + 1;
    if (end - begin < 2 || this.text[end] !== ':' || /[ /-]/.test(this.text[begin] as string)) return null;
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

/** The text in JSON's quotes; some programs leave line breaks in it as they are. */
function unquoted(value: string): string {
  try {
    return String(JSON.parse(value.replaceAll('\n', '\\n').replaceAll('\t', '\\t')));
  } catch {
    return value.slice(1, -1);
  }
}
