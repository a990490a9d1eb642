// An entry of the history: what made a pair, when, and what it takes up. Its pictures and its thumbnail lie beside it,
// to be read when they are looked at. What is read back is checked: a damaged entry costs that entry alone.

import type { KeptSteps } from './keptSteps';
import type { RunStats } from '../protocol/events';
import { readRecipe, type Recipe } from '../recipe/recipe';

export interface HistoryEntry {
  /** The run's. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly made: number;
  readonly starred: boolean;
  readonly recipe: Recipe;
  readonly stats: RunStats;
  /** Whether the picture without PAG was made too. */
  readonly isPair: boolean;
  /** Of its pictures, its thumbnail and its steps. */
  readonly bytes: number;
  /** Of its steps alone; 0 where none are kept. */
  readonly stepBytes: number;
}

/** As PNG files with their recipes in them. */
export interface HistoryPictures {
  readonly withPag: Blob;
  readonly withoutPag: Blob | null;
}

export interface KeptRun {
  readonly entry: HistoryEntry;
  readonly pictures: HistoryPictures;
  readonly thumbnail: Blob;
  readonly steps: KeptSteps | null;
}

const FORMAT = 1;

/** As it is stored. */
export function storedEntry(entry: HistoryEntry): object {
  return { format: FORMAT, ...entry };
}

/** null where it is damaged; 'newer' where a later version of the page has written it. Throws nothing. */
export function readEntry(value: unknown): HistoryEntry | 'newer' | null {
  if (typeof value !== 'object' || value === null) return null;
  const {
    format,
    id,
    made,
    starred,
    recipe: stored,
    stats,
    isPair,
    bytes,
    stepBytes,
  } = value as Record<string, unknown>;
  if (typeof format === 'number' && format > FORMAT) return 'newer';
  const recipe = readRecipe(stored);
  if (typeof id !== 'string' || id === '' || !isCount(made) || !isCount(bytes) || !recipe || !isStats(stats))
    return null;
  return {
    id,
    made,
    starred: starred === true,
    recipe,
    stats,
    isPair: isPair === true,
    bytes,
    stepBytes: isCount(stepBytes) ? stepBytes : 0,
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function isStats(value: unknown): value is RunStats {
  if (typeof value !== 'object' || value === null) return false;
  const { seconds, unetRows, rowsBeforeFork, rowsAfterFork, perturbedSites } = value as Record<string, unknown>;
  return [seconds, unetRows, rowsBeforeFork, rowsAfterFork].every(isCount) && Array.isArray(perturbedSites);
}

/** Newest first. */
export function inOrder(entries: readonly HistoryEntry[]): HistoryEntry[] {
  return [...entries].sort((one, other) => other.made - one.made || (one.id < other.id ? 1 : -1));
}

export function bytesOf(entries: readonly HistoryEntry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Of the oldest without a star as many as together take up `bytes`; fewer where there are no more. */
export function oldestUnstarred(entries: readonly HistoryEntry[], bytes: number): HistoryEntry[] {
  const chosen: HistoryEntry[] = [];
  let freed = 0;
  for (const entry of inOrder(entries).reverse()) {
    if (freed >= bytes) break;
    if (entry.starred) continue;
    chosen.push(entry);
    freed += entry.bytes;
  }
  return chosen;
}

/** Whether each word is in its prompts or its model's name. */
export function matches({ recipe: { settings, model } }: HistoryEntry, words: string): boolean {
  const text = `${settings.prompt}\n${settings.negativePrompt}\n${model.id}\n${model.unet ?? ''}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Bytes of steps of all entries together. */
const MOST_STEP_BYTES = 256 * 2 ** 20;

/** The oldest, whose steps are too much for all together: the pictures stay, and the steps can be made again. */
export function withTooManySteps(entries: readonly HistoryEntry[], most = MOST_STEP_BYTES): HistoryEntry[] {
  let bytes = 0;
  return inOrder(entries).filter(({ stepBytes }) => (bytes += stepBytes) > most && stepBytes > 0);
}

export function withoutSteps(entry: HistoryEntry): HistoryEntry {
  return { ...entry, bytes: entry.bytes - entry.stepBytes, stepBytes: 0 };
}
