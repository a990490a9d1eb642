// How much of a prompt is read, and what in it is read otherwise than people may expect, as sentences.

import type { UnreadSyntax } from '../../prompt/onlyA1111';
import type { TextFit } from '../../protocol/events';

/** Letters of the unread end that are shown. */
const SHOWN = 160;

/** “81 of 75 × 2 tokens”: of as many chunks of so many. */
export function fitText({ text, kept, tokens, limit, chunks }: TextFit): string {
  if (kept >= text.length)
    return `${tokens} of ${limit}${chunks > 1 ? ` × ${chunks}` : ''} ${limit * chunks === 1 ? 'token' : 'tokens'}`;
  const end = text.slice(kept).trim();
  const letters = [...new Intl.Segmenter().segment(end)];
  const shown =
    letters.length > SHOWN
      ? `${letters
          .slice(0, SHOWN)
          .map(({ segment }) => segment)
          .join('')}…`
      : end;
  return `Too long: the model reads ${limit * chunks} of ${tokens} tokens. Not read: “${shown}”`;
}

/** What A1111 would make of it, and what is made of it here. */
export function unreadText({ kind, example }: UnreadSyntax): string {
  switch (kind) {
    case 'editing':
      return `“${example}” is prompt editing, which Pagoda does not do: all of it is read as words, at every step.`;
    case 'alternation':
      return `“${example}” would alternate from step to step in A1111: here all of it is read as words.`;
    case 'AND':
      return '“AND” would combine two prompts in A1111: here it is a word of one prompt.';
    case 'factor':
      return `“${example}” at the end would multiply the CFG scale in A1111: here it is read as words.`;
    case 'hypernetwork':
      return `“${example}” names a network that Pagoda does not use: it is read as words.`;
  }
}
