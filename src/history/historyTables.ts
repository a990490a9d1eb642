// Where the history lies: the browser's private database, four tables by the entry's id (what made it, its thumbnail,
// its pictures, its steps), so that a list of a thousand reads no picture. Where the browser refuses one, memory
// stands in for as long as the page is open.

import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { readSteps, storedSteps, type KeptSteps } from './keptSteps';
import { inOrder, readEntry, storedEntry, type HistoryEntry, type HistoryPictures, type KeptRun } from './entry';

export interface HistoryTables {
  /** False where it lasts for this visit alone. */
  readonly lasts: boolean;
  /** Newest first. What is damaged is taken out and counted. */
  list(): Promise<{ readonly entries: HistoryEntry[]; readonly damaged: number }>;
  thumbnail(id: string): Promise<Blob | null>;
  /** null where they are gone. */
  pictures(id: string): Promise<HistoryPictures | null>;
  /** null where there are none. */
  steps(id: string): Promise<KeptSteps | null>;
  /** Lets go of the steps of entries, which are given as they are without. */
  dropSteps(entries: readonly HistoryEntry[]): Promise<void>;
  /** All of it or nothing. @throws DOMException QuotaExceededError */
  put(run: KeptRun): Promise<void>;
  star(entry: HistoryEntry): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
}

interface Schema extends DBSchema {
  entries: { key: string; value: object };
  thumbnails: { key: string; value: Blob };
  pictures: { key: string; value: HistoryPictures };
  steps: { key: string; value: object };
}

const NAME = 'pagoda.history';
/** Of the tables: the first had no steps. */
const VERSION = 2;
const TABLES = ['entries', 'thumbnails', 'pictures', 'steps'] as const;

/** Throws nothing. */
export async function openTables(): Promise<HistoryTables> {
  try {
    return new StoredTables(
      await openDB<Schema>(NAME, VERSION, {
        upgrade: (database) => {
          for (const table of TABLES) if (!database.objectStoreNames.contains(table)) database.createObjectStore(table);
        },
      }),
    );
  } catch {
    return new VisitTables();
  }
}

class StoredTables implements HistoryTables {
  readonly lasts = true;

  constructor(private readonly database: IDBPDatabase<Schema>) {
    // Another tab has a later version of the page.
    database.addEventListener('versionchange', () => database.close());
  }

  async list(): Promise<{ entries: HistoryEntry[]; damaged: number }> {
    const keys = await this.database.getAllKeys('entries');
    const values = await this.database.getAll('entries');
    const entries: HistoryEntry[] = [];
    const damaged: string[] = [];
    for (const [at, value] of values.entries()) {
      const entry = readEntry(value);
      if (entry === null || (entry !== 'newer' && entry.id !== keys[at])) damaged.push(keys[at]!);
      else if (entry !== 'newer') entries.push(entry);
    }
    await this.remove(damaged);
    return { entries: inOrder(entries), damaged: damaged.length };
  }

  async thumbnail(id: string): Promise<Blob | null> {
    return (await this.database.get('thumbnails', id)) ?? null;
  }

  async pictures(id: string): Promise<HistoryPictures | null> {
    return (await this.database.get('pictures', id)) ?? null;
  }

  async steps(id: string): Promise<KeptSteps | null> {
    return readSteps(await this.database.get('steps', id));
  }

  async dropSteps(entries: readonly HistoryEntry[]): Promise<void> {
    const transaction = this.database.transaction(['entries', 'steps'], 'readwrite');
    const changes = entries.flatMap((entry) => [
      transaction.objectStore('steps').delete(entry.id),
      transaction.objectStore('entries').put(storedEntry(entry), entry.id),
    ]);
    await Promise.all([...changes, transaction.done]);
  }

  async put({ entry, thumbnail, pictures, steps }: KeptRun): Promise<void> {
    const transaction = this.database.transaction(TABLES, 'readwrite');
    await Promise.all([
      transaction.objectStore('entries').put(storedEntry(entry), entry.id),
      transaction.objectStore('thumbnails').put(thumbnail, entry.id),
      transaction.objectStore('pictures').put(pictures, entry.id),
      ...(steps ? [transaction.objectStore('steps').put(storedSteps(steps), entry.id)] : []),
      transaction.done,
    ]);
  }

  async star(entry: HistoryEntry): Promise<void> {
    await this.database.put('entries', storedEntry(entry), entry.id);
  }

  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const transaction = this.database.transaction(TABLES, 'readwrite');
    const gone = TABLES.flatMap((table) => ids.map((id) => transaction.objectStore(table).delete(id)));
    await Promise.all([...gone, transaction.done]);
  }
}

export class VisitTables implements HistoryTables {
  readonly lasts = false;
  private readonly runs = new Map<string, KeptRun>();

  list(): Promise<{ entries: HistoryEntry[]; damaged: number }> {
    return Promise.resolve({ entries: inOrder([...this.runs.values()].map(({ entry }) => entry)), damaged: 0 });
  }

  thumbnail(id: string): Promise<Blob | null> {
    return Promise.resolve(this.runs.get(id)?.thumbnail ?? null);
  }

  pictures(id: string): Promise<HistoryPictures | null> {
    return Promise.resolve(this.runs.get(id)?.pictures ?? null);
  }

  steps(id: string): Promise<KeptSteps | null> {
    return Promise.resolve(this.runs.get(id)?.steps ?? null);
  }

  dropSteps(entries: readonly HistoryEntry[]): Promise<void> {
    for (const entry of entries) {
      const run = this.runs.get(entry.id);
      if (run) this.runs.set(entry.id, { ...run, entry, steps: null });
    }
    return Promise.resolve();
  }

  put(run: KeptRun): Promise<void> {
    this.runs.set(run.entry.id, run);
    return Promise.resolve();
  }

  star(entry: HistoryEntry): Promise<void> {
    const run = this.runs.get(entry.id);
    return run ? this.put({ ...run, entry }) : Promise.resolve();
  }

  remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.runs.delete(id);
    return Promise.resolve();
  }
}
