// What is said of an entry of the history, and which entries are looked for.

import { matches } from '../../store/history';
import type { HistoryEntry } from '../../store/history';

export function found(entries: readonly HistoryEntry[], words: string, onlyStarred: boolean): HistoryEntry[] {
  return entries.filter((entry) => (entry.starred || !onlyStarred) && matches(entry, words.trim()));
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** "a red apple · PAG 3 · seed 7 · 30 Nov 2026, 06:19". */
export function entryText({ recipe: { settings }, made, starred }: HistoryEntry): string {
  const { prompt, pagScale, seed } = settings;
  const parts = [prompt.trim() || 'No prompt', `PAG ${pagScale}`, `seed ${seed}`, TIME.format(made)];
  return [...parts, ...(starred ? ['starred'] : [])].join(' · ');
}
