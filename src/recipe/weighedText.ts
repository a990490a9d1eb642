// Prompts for programs in which some signs weigh words, from each of the readings that a run may have had. What was
// read as words is escaped; what weighed is written with the other program's brackets and the same weights.

import { onlyA1111 } from '../prompt/onlyA1111';
import { isA1111, isBreak, type Emphasis, type Piece } from '../prompt/pieces';
import { promptPieces } from '../prompt/readPrompt';
import { UNREAD_NAMES } from './promptSyntax';

/** A1111: ( ) [ ] weigh and edit, and a backslash takes that from the sign behind it. */
export function escapeForA1111(prompt: string): string {
  return prompt.replace(/[\\()[\]]/g, '\\$&');
}

/** What `escapeForA1111` made, or a person did. */
export function unescapeFromA1111(prompt: string): string {
  return prompt.replace(/\\([\\()[\]])/g, '$1');
}

/** ComfyUI: parentheses alone; any other backslash stands for itself. */
function escapeForComfy(prompt: string): string {
  return prompt.replace(/[()]/g, '\\$&');
}

export function promptForA1111(prompt: string, emphasis: Emphasis): string {
  return isA1111(emphasis) ? prompt : inBrackets(prompt, emphasis, escapeForA1111, ' BREAK ');
}

/** ComfyUI has no BREAK. */
export function promptForComfy(prompt: string, emphasis: Emphasis): string {
  return emphasis === 'comfy' ? prompt : inBrackets(prompt, emphasis, escapeForComfy, ' ');
}

/** The words alone, for programs that weigh none. */
export function promptInWords(prompt: string, emphasis: Emphasis): string {
  return inBrackets(prompt, emphasis, (text) => text, ' ', false);
}

/** Whether anything in it weighs more or less than the rest. */
export function hasWeights(prompt: string, emphasis: Emphasis): boolean {
  return promptPieces(prompt, emphasis).some((part) => !isBreak(part) && weighs(part));
}

/** Whether a BREAK ends a chunk in it. */
export function hasBreaks(prompt: string, emphasis: Emphasis): boolean {
  return promptPieces(prompt, emphasis).some(isBreak);
}

/** Blanks are no tokens. */
function weighs({ text, weight }: Piece): boolean {
  return weight !== 1 && text.trim() !== '';
}

function inBrackets(
  prompt: string,
  emphasis: Emphasis,
  escape: (text: string) => string,
  pause: string,
  keepsWeights = true,
): string {
  return promptPieces(prompt, emphasis)
    .map((part) => {
      if (isBreak(part)) return pause;
      const text = escape(part.text);
      return keepsWeights && weighs(part) ? `(${text}:${weightText(part.weight)})` : text;
    })
    .join('');
}

/** As programs read it: no exponent, no more digits than mean something. */
function weightText(weight: number): string {
  return weight.toFixed(6).replace(/\.?0+$/, '');
}

/** What A1111 does with a prompt that this run read as words, as sentences. No backslash helps against that. */
export function obeyedByA1111(prompt: string, emphasis: Emphasis): readonly string[] {
  if (isA1111(emphasis))
    return onlyA1111(prompt).map(
      ({ kind, example }) => `A1111 obeys “${example}” (${UNREAD_NAMES[kind]}): this run read it as words.`,
    );
  const words = [/\bAND\b/, /\bBREAK\b/, /<\w+:[^>]+>/].flatMap((pattern) => pattern.exec(prompt)?.[0] ?? []);
  const weight = /:\s*[+-]?[.\d]+\s*$/.exec(prompt)?.[0].trim();
  const obeyed = [
    ...words.map((word) => `“${word}” in a prompt`),
    ...(weight ? [`a weight, “${weight}”, at the end`] : []),
  ];
  return obeyed.map((what) => `A1111 does not read ${what} as words: it does what that says.`);
}
