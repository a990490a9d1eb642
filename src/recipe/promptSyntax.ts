// What A1111 obeys in prompts and Pagoda does not, listed with the first example of each.

import { onlyA1111, type Unread } from '../prompt/onlyA1111';
import { takeLoraTags } from './loraTags';
import { refusal, type NotRestored } from './recipe';

export const UNREAD_NAMES: Readonly<Record<Unread, string>> = {
  editing: 'prompt editing',
  alternation: 'alternating words',
  AND: 'AND',
  factor: 'a factor of the CFG scale at the end',
  hypernetwork: 'hypernetworks',
};

/** One line for both prompts; none where all is read as A1111 reads it. */
export function promptSyntax(prompt: string, negativePrompt: string): NotRestored[] {
  const found = [...onlyA1111(takeLoraTags(prompt).text), ...onlyA1111(negativePrompt, true)];
  const first = found.filter(({ kind }, at) => found.findIndex((one) => one.kind === kind) === at);
  if (first.length === 0) return [];
  const why = `Read as the words that they are: ${first.map(({ kind }) => UNREAD_NAMES[kind]).join(', ')}.`;
  return [refusal('Prompt syntax', first.map(({ example }) => example).join(' '), why)];
}
