// The LoRA slice: the files that the visitor has added, each with its weight. Which of their keys fit the model is the
// engine's to say. They are not kept over a reload: a page may not open a file again by itself.

import { create } from 'zustand';
import { loraHash, loraOnDisk, type LoraOnDisk } from '../library/loraOnDisk';
import { toFetchErrorData, type FetchErrorData } from '../library/fetchError';
import { takeLoraTags, type LoraTag } from '../recipe/loraTags';
import { correctValue, type NumberRule } from '../settings/numbers';
import { newId } from './browser';

export interface Lora extends LoraOnDisk {
  readonly id: string;
  readonly file: File;
  readonly weight: number;
  /** By which A1111 knows it; null until it is computed, or where the file cannot be read any more. */
  readonly hash: string | null;
}

/** Some are made for weights below 0, or far above 1. */
export const LORA_WEIGHT: NumberRule = { min: -10, max: 10, whole: false, step: 0.05, fallback: 1 };

interface Loras {
  readonly loras: readonly Lora[];
  /** Files that could not be added, by their names. */
  readonly refused: readonly { readonly fileName: string; readonly error: FetchErrorData }[];
  /** Counts drops of them on the page, after each of which it shows where they stand. */
  readonly drops: number;
  /** A file of the same name takes the other's place, and its weight. */
  readonly add: (files: readonly File[]) => Promise<void>;
  readonly addDropped: (files: readonly File[]) => Promise<void>;
  readonly setWeight: (id: string, weight: number) => void;
  readonly remove: (id: string) => void;
}

export interface UsedLora extends Lora {
  /** What a tag in the prompt says of it, in place of its own weight; null where there is none. */
  readonly tag: LoraTag | null;
}

/** What a run makes of a prompt: the words, the LoRA with the weights that the prompt gives, and who is missing. */
export function readPrompt(prompt: string, loras: readonly Lora[]) {
  const { text, tags } = takeLoraTags(prompt);
  const used = loras.map((lora): UsedLora => {
    const tag = tags.find(({ name }) => name === lora.name) ?? null;
    return { ...lora, tag, weight: tag ? correctValue(tag.weight, LORA_WEIGHT).value : lora.weight };
  });
  return { text, loras: used, missing: tags.filter(({ name }) => loras.every((lora) => lora.name !== name)) };
}

export const useLoras = create<Loras>()((set, get) => {
  const change = (id: string, changes: Partial<Lora>) =>
    set(({ loras }) => ({ loras: loras.map((one) => (one.id === id ? { ...one, ...changes } : one)) }));
  const addOne = async (file: File) => {
    const lora = await loraOnDisk(file);
    const id = newId();
    const before = get().loras.find(({ name }) => name === lora.name);
    const added = { ...lora, id, file, weight: before?.weight ?? 1, hash: null };
    set(({ loras }) => ({
      loras: before ? loras.map((one) => (one.id === before.id ? added : one)) : [...loras, added],
    }));
    void loraHash(file).then(
      (hash) => change(id, { hash }),
      () => undefined, // the run that reads it says what is wrong with it
    );
  };
  return {
    loras: [],
    refused: [],
    drops: 0,
    add: async (files) => {
      set({ refused: [] });
      for (const file of files) {
        try {
          await addOne(file);
        } catch (error) {
          set(({ refused }) => ({ refused: [...refused, { fileName: file.name, error: toFetchErrorData(error) }] }));
        }
      }
    },
    addDropped: async (files) => {
      await get().add(files);
      set(({ drops }) => ({ drops: drops + 1 }));
    },
    setWeight: (id, weight) => change(id, { weight }),
    remove: (id) => set(({ loras }) => ({ loras: loras.filter((one) => one.id !== id), refused: [] })),
  };
});
