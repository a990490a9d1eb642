// Values as Python source. A recipe's texts come from anywhere: they go into a script as string literals alone, with
// every character escaped that ends a line, is not seen or turns the direction of writing.

/** A literal in double quotes. Letters of all scripts stay readable. */
export function pythonString(text: string): string {
  const escaped = text.replace(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (letter) => {
    if (letter === '"' || letter === '\\') return `\\${letter}`;
    if (letter === '\n') return '\\n';
    const code = letter.codePointAt(0) as number;
    // Python's \u takes four digits only: a surrogate pair of JSON's would be two letters.
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

/** A list with one string a line, indented by 4 spaces inside an argument list. */
export function pythonList(texts: readonly string[]): string {
  return `[\n${texts.map((text) => `        ${pythonString(text)},\n`).join('')}    ]`;
}

/** A call with one argument a line; a single one stays on the line. */
export function pythonCall(name: string, lines: readonly string[]): string {
  if (lines.length === 1) return `${name}(${lines.join('')})`;
  return `${name}(\n${lines.map((line) => `    ${line},\n`).join('')})`;
}
