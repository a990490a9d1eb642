// Damage for ONNX files, drawn from a seed. It works on the fields of protobuf messages, so that most of what it
// makes still parses as far as the damage: fields dropped, doubled, swapped, nested into themselves, given wrong
// lengths, numbers or bytes; and nodes that read, make or are something else.

import { BYTES, VARINT, WireError, fields } from '../file/protobuf';

/** A generator of whole numbers below `limit`: mulberry32, 32 bits of state. */
export type Random = (limit: number) => number;

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

export function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random(256));
}

/** One field as it stands in the file: `head` is key and length, `payload` the rest. */
interface Piece {
  readonly number: number;
  readonly wireType: number;
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
}

/** A damaged copy of `message`. `names` is what rewired nodes read, make and are. */
export function mutate(message: Uint8Array, random: Random, names: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const pieces = split(message);
  if (!pieces || pieces.length === 0) return flipped(message, random);
  const at = random(pieces.length);
  const chosen = pieces[at]!;
  const other = random(pieces.length);
  // Inside more often than here: most of a graph lies deep.
  if (chosen.wireType === BYTES && chosen.payload.length > 1 && random(4) > 0) {
    pieces[at] = remade(
      chosen,
      isName(chosen) && random(2) > 0 ? pick(names, random) : mutate(chosen.payload, random, names),
    );
    return joined(pieces);
  }
  switch (random(8)) {
    case 0:
      pieces.splice(at, 1);
      break;
    case 1:
      pieces.splice(other, 0, chosen);
      break;
    case 2:
      pieces[at] = pieces[other]!;
      pieces[other] = chosen;
      break;
    case 3:
      pieces[at] = remade(chosen, joined([chosen]));
      break;
    case 4:
      pieces[at] = {
        ...chosen,
        head: Uint8Array.from([
          ...chosen.head.slice(0, 1),
          ...varint(random(2) ? random(300) : 2 ** 31 + random(2 ** 20)),
        ]),
      };
      break;
    case 5:
      pieces[at] = { ...chosen, head: Uint8Array.from([random(256), ...chosen.head.slice(1)]) };
      break;
    case 6:
      pieces[at] = { ...chosen, payload: chosen.payload.slice(0, random(chosen.payload.length + 1)) };
      break;
    default:
      pieces[at] = { ...chosen, payload: flipped(chosen.payload, random) };
  }
  return joined(pieces);
}

/** Inputs (1), outputs (2) and the operator (4) of a node are short texts, as are names elsewhere. */
function isName({ number, payload }: Piece): boolean {
  return [1, 2, 4].includes(number) && payload.every((byte) => byte >= 32 && byte < 127);
}

function pick(names: readonly Uint8Array[], random: Random): Uint8Array {
  return names[random(names.length)] ?? new Uint8Array(0);
}

function split(message: Uint8Array): Piece[] | null {
  try {
    let end = 0;
    return [...fields(message)].map(({ number, wireType, bytes, start }) => {
      const from = end;
      if (wireType === VARINT) end = varintEnd(message, start);
      else end = start + bytes.length;
      return { number, wireType, head: message.subarray(from, start), payload: message.subarray(start, end) };
    });
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

function varintEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at]! >= 128) at += 1;
  return at + 1;
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return [...out, rest];
}

/** The same field with another payload and the length that it has. */
function remade(piece: Piece, payload: Uint8Array): Piece {
  const key = [...varint(piece.number * 8 + BYTES)];
  return { number: piece.number, wireType: BYTES, head: Uint8Array.from([...key, ...varint(payload.length)]), payload };
}

function flipped(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  for (let flips = 1 + random(3); flips > 0 && copy.length > 0; flips -= 1) copy[random(copy.length)] = random(256);
  return copy;
}

function joined(pieces: readonly Piece[]): Uint8Array<ArrayBuffer> {
  const parts = pieces.flatMap(({ head, payload }) => [head, payload]);
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
