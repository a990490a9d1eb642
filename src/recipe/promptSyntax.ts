// What A1111 reads in a prompt as more than words, and Pagoda does not: weights, scheduling, networks. Each is found in
// one pass, and named with the first example.

import { refusal, type NotRestored } from './recipe';

const SYNTAX: readonly (readonly [string, RegExp])[] = [
  ['weights in brackets', /(?<!\\)\([^()[\]\\]{0,200}(?:\)|:\s*[\d.]+\s*\))|(?<!\\)\[[^()[\]\\:|]{0,200}\]/],
  ['prompt editing', /(?<!\\)\[[^()[\]\\]{0,200}[:|][^()[\]\\]{0,200}\]/],
  ['networks (LoRA)', /<[a-z]{2,20}:[^<>\n]{1,200}>/i],
  ['BREAK', /(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])/u],
  ['AND', /(?<![\p{L}\p{N}_])AND(?![\p{L}\p{N}_])/u],
];

/** One line for both prompts; none where they are plain words. */
export function promptSyntax(...prompts: readonly string[]): NotRestored[] {
  const found = SYNTAX.flatMap(([name, pattern]) => {
    const [example] = prompts.flatMap((prompt) => pattern.exec(prompt)?.[0] ?? []);
    return example === undefined ? [] : [{ name, example }];
  });
  if (found.length === 0) return [];
  const why = `Read as plain words: ${found.map(({ name }) => name).join(', ')}.`;
  return [refusal('Prompt syntax', found.map(({ example }) => example).join(' '), why)];
}
