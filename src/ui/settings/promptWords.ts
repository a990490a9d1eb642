// How much of a prompt is read, as a sentence.

import type { TextFit } from '../../protocol/messages';

/** Letters of the unread end that are shown. */
const SHOWN = 160;

export function fitText({ text, kept, tokens, limit }: TextFit): string {
  if (kept >= text.length) return `${tokens} of ${limit} ${limit === 1 ? 'token' : 'tokens'}`;
  const end = text.slice(kept).trim();
  const letters = [...new Intl.Segmenter().segment(end)];
  const shown =
    letters.length > SHOWN
      ? `${letters
          .slice(0, SHOWN)
          .map(({ segment }) => segment)
          .join('')}…`
      : end;
  return `Too long: the model reads ${limit} of ${tokens} tokens. Not read: “${shown}”`;
}
