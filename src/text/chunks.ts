// Tokens with weights in chunks that a text encoder reads one by one. A1111 moves what follows a comma into the next
// chunk rather than cutting a phrase: where a chunk is full, another token than a comma comes and the last comma lies
// at most 20 tokens back. ComfyUI keeps groups of fewer than 8 tokens together and cuts longer ones where a chunk ends.

import type { Slot, Slots } from './tokenizer';

export interface WeighedToken<S extends Slots> {
  readonly token: number | Slot<S>;
  readonly weight: number;
  /** Which piece of the prompt it is of, and which token of it. */
  readonly piece: number;
  readonly index: number;
}

/** Tokens that move together. */
export type TokenGroup<S extends Slots> = readonly WeighedToken<S>[];

export const BREAK_CHUNK = 'break';

const COMMA_BACKTRACK = 20;
const COMFY_LARGE = 8;

interface A1111Rules {
  /** Tokens that a chunk may have. */
  readonly room: number;
  /** Id of the comma; null where the vocabulary has none. */
  readonly comma: number | null;
}

/** @returns at least one chunk, which may be empty. */
export function a1111Chunks<S extends Slots>(
  groups: readonly (TokenGroup<S> | typeof BREAK_CHUNK)[],
  { room, comma }: A1111Rules,
): readonly WeighedToken<S>[][] {
  const done: WeighedToken<S>[][] = [];
  let chunk: WeighedToken<S>[] = [];
  let lastComma = -1;
  const next = (begun: readonly WeighedToken<S>[] = []) => {
    done.push(chunk);
    chunk = [...begun];
    lastComma = -1;
  };
  for (const group of groups) {
    if (group === BREAK_CHUNK) {
      next();
      continue;
    }
    const [first] = group;
    if (first && comma !== null && first.token === comma) lastComma = chunk.length;
    else if (chunk.length === room && lastComma >= 0 && room - lastComma <= COMMA_BACKTRACK)
      next(chunk.splice(lastComma + 1));
    // More than one are an embedding, which moves whole.
    if (chunk.length > 0 && chunk.length + group.length > room) next();
    for (const token of group) {
      if (chunk.length === room) next();
      chunk.push(token);
    }
  }
  if (chunk.length > 0 || done.length === 0) next();
  return done;
}

/** @returns at least one chunk, which may be empty. */
export function comfyChunks<S extends Slots>(
  groups: readonly TokenGroup<S>[],
  room: number,
): readonly WeighedToken<S>[][] {
  const chunks: WeighedToken<S>[][] = [[]];
  for (const group of groups) {
    let rest = group;
    while (rest.length > 0) {
      const chunk = chunks.at(-1)!;
      const free = room - chunk.length;
      const isCut = rest.length > free;
      const fits = isCut && group.length < Math.min(COMFY_LARGE, room) ? 0 : Math.min(free, rest.length);
      chunk.push(...rest.slice(0, fits));
      rest = rest.slice(fits);
      if (isCut) chunks.push([]);
    }
  }
  return chunks;
}
