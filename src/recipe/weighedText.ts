// Prompts for programs in which some signs weigh words. Pagoda reads all of them as they stand, so they are escaped.

/** A1111: ( ) [ ] weigh and edit, and a backslash takes that from the sign behind it. */
export function escapeForA1111(prompt: string): string {
  return prompt.replace(/[\\()[\]]/g, '\\$&');
}

/** What `escapeForA1111` made, or a person did. */
export function unescapeFromA1111(prompt: string): string {
  return prompt.replace(/\\([\\()[\]])/g, '$1');
}

/** ComfyUI: parentheses alone; any other backslash stands for itself. */
export function escapeForComfy(prompt: string): string {
  return prompt.replace(/[()]/g, '\\$&');
}

/** What no backslash helps against, as sentences. */
export function obeyedByA1111(prompt: string): readonly string[] {
  const words = [/\bAND\b/, /\bBREAK\b/, /<\w+:[^>]+>/].flatMap((pattern) => pattern.exec(prompt)?.[0] ?? []);
  const weight = /:\s*[+-]?[.\d]+\s*$/.exec(prompt)?.[0].trim();
  const obeyed = [
    ...words.map((word) => `“${word}” in a prompt`),
    ...(weight ? [`a weight, “${weight}”, at the end`] : []),
  ];
  return obeyed.map((what) => `A1111 does not read ${what} as words: it does what that says.`);
}
