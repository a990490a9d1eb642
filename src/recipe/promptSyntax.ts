// What A1111 reads in a prompt as more than words, and Pagoda does not: weights, scheduling, networks other than
// LoRA. Each is found in one pass, and named with the first example.

import { takeLoraTags } from './loraTags';
import { refusal, type NotRestored } from './recipe';

const BRACKETS = /(?<!\\)(?:\([^()[\]\\]{0,200}\)|\[[^()[\]\\]{0,200}\])/g;
const isEditing = (text: string) => text.startsWith('[') && /[:|]/.test(text);

const SYNTAX: readonly (readonly [string, (prompt: string) => string | undefined])[] = [
  ['weights in brackets', (prompt) => prompt.match(BRACKETS)?.find((text) => !isEditing(text))],
  ['prompt editing', (prompt) => prompt.match(BRACKETS)?.find(isEditing)],
  ['hypernetworks', (prompt) => /<[a-z]{2,20}:[^<>\n]{1,200}>/i.exec(takeLoraTags(prompt).text)?.[0]],
  ['BREAK', (prompt) => /(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])/u.exec(prompt)?.[0]],
  ['AND', (prompt) => /(?<![\p{L}\p{N}_])AND(?![\p{L}\p{N}_])/u.exec(prompt)?.[0]],
];

/** One line for both prompts; none where they are plain words. */
export function promptSyntax(...prompts: readonly string[]): NotRestored[] {
  const found = SYNTAX.flatMap(([name, find]) => {
    const [example] = prompts.flatMap((prompt) => find(prompt) ?? []);
    return example === undefined ? [] : [{ name, example }];
  });
  if (found.length === 0) return [];
  const why = `Read as plain words: ${found.map(({ name }) => name).join(', ')}.`;
  return [refusal('Prompt syntax', found.map(({ example }) => example).join(' '), why)];
}
