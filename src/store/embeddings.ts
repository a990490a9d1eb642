// The embeddings slice: the files that the visitor has added, each a word in prompts. They are not kept over a reload:
// a page may not open a file again by itself.

import { create } from 'zustand';
import { embeddingOnDisk, type EmbeddingOnDisk } from '../library/embeddingOnDisk';
import { toFetchErrorData, type FetchErrorData } from '../library/fetchError';
import { namesIn } from '../models/embeddingWords';
import { newId } from './browser';

export interface Embedding extends EmbeddingOnDisk {
  readonly id: string;
  readonly file: File;
}

interface Embeddings {
  readonly embeddings: readonly Embedding[];
  /** Files that could not be added, by their names. */
  readonly refused: readonly { readonly fileName: string; readonly error: FetchErrorData }[];
  /** How often files were dropped on the page. */
  readonly drops: number;
  /** A file of the same name, in whatever case, takes the other's place. */
  readonly add: (files: readonly File[]) => Promise<void>;
  /** The same, where it is to be seen that they are there: of files that were dropped anywhere on the page. */
  readonly addDropped: (files: readonly File[]) => Promise<void>;
  readonly remove: (id: string) => void;
}

export const useEmbeddings = create<Embeddings>()((set, get) => ({
  embeddings: [],
  refused: [],
  drops: 0,
  add: async (files) => {
    set({ refused: [] });
    for (const file of files) {
      try {
        const added = { ...(await embeddingOnDisk(file)), id: newId(), file };
        const isOther = ({ name }: Embedding) => name.toLowerCase() !== added.name.toLowerCase();
        set(({ embeddings }) => ({ embeddings: [...embeddings.filter(isOther), added] }));
      } catch (error) {
        set(({ refused }) => ({ refused: [...refused, { fileName: file.name, error: toFetchErrorData(error) }] }));
      }
    }
  },
  addDropped: async (files) => {
    await get().add(files);
    set(({ drops }) => ({ drops: drops + 1 }));
  },
  remove: (id) => set(({ embeddings }) => ({ embeddings: embeddings.filter((one) => one.id !== id), refused: [] })),
}));

/** Those that the prompts name. */
export function named(embeddings: readonly Embedding[], ...prompts: readonly string[]): Embedding[] {
  const names = namesIn(
    prompts,
    embeddings.map(({ name }) => name),
  );
  return embeddings.filter(({ name }) => names.includes(name));
}
