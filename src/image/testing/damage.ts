// Damage for pictures, drawn from a seed. In a PNG it works on chunks, most of them with a checksum that is right
// again, so that what it makes is read as far as the damage: chunks dropped, doubled, swapped, with wrong lengths and
// types; texts cut, with parts repeated or dropped, bytes changed, and signs put in that infotexts and JSON are made
// of. Other files have bytes changed, and some files of all kinds are cut.

import { crc32 } from 'node:zlib';
import { randomBytes, type Random } from '../../onnx/testing/mutate';

const SIGNATURE = 8;
const SIGNS = [
  '"',
  '\\',
  '\n',
  '{',
  '[',
  ':',
  ',',
  '\0',
  'Steps: 1, Sampler: Euler, Seed: 2',
  'Negative prompt: ',
  '😀',
];
const TYPES = ['tEXt', 'zTXt', 'iTXt', 'eXIf', 'IEND'];

export function damaged(picture: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let bytes = Uint8Array.from(picture);
  if (bytes[0] === 0x89 && random(8) > 0) {
    const chunks = split(bytes);
    for (let times = 1 + random(4); times > 0 && chunks.length > 0; times -= 1) damageChunks(chunks, random);
    bytes = concat([bytes.subarray(0, SIGNATURE), ...chunks]);
  } else {
    for (let times = 1 + random(12); times > 0; times -= 1) bytes[random(bytes.length)] = random(256);
  }
  return random(8) > 0 ? bytes : bytes.slice(0, random(bytes.length));
}

function damageChunks(chunks: Uint8Array[], random: Random): void {
  const [at, other] = [random(chunks.length), random(chunks.length)];
  const chosen = chunks[at]!;
  const [type, data] = [chosen.subarray(4, 8), chosen.subarray(8, -4)];
  switch (random(10)) {
    case 0:
      chunks.splice(at, 1);
      break;
    case 1:
      chunks.splice(other, 0, chosen);
      break;
    case 2:
      chunks[at] = chunks[other]!;
      chunks[other] = chosen;
      break;
    case 3:
      chunks[at] = chunk(type, data, random(2) ? random(1 + 2 * data.length) : 2 ** 31 + random(2 ** 20));
      break;
    case 4:
      chunks[at] = concat([chosen.subarray(0, -4), randomBytes(random, 4)]);
      break;
    case 5:
      chunks[at] = chunk(pick(TYPES, random), data);
      break;
    default:
      chunks[at] = chunk(type, damagedData(data, random));
  }
}

function damagedData(data: Uint8Array, random: Random): Uint8Array {
  const [at, end] = [random(data.length + 1), random(data.length + 1)].sort((a, b) => a - b) as [number, number];
  switch (random(5)) {
    case 0:
      return data.subarray(0, at);
    case 1:
      return concat([data.subarray(0, at), data.subarray(end)]);
    case 2: {
      const copies = Array.from({ length: random(4000) }, () => data.subarray(at, Math.min(end, at + 40)));
      return concat([data.subarray(0, end), ...copies, data.subarray(end)]);
    }
    case 3:
      return concat([data.subarray(0, at), pick(SIGNS, random), data.subarray(at)]);
    default: {
      const changed = randomBytes(random, Math.min(1 + random(3), data.length - at));
      return concat([data.subarray(0, at), changed, data.subarray(at + changed.length)]);
    }
  }
}

function pick(texts: readonly string[], random: Random): Uint8Array {
  return new TextEncoder().encode(texts[random(texts.length)]);
}

/** Chunks as they stand in the file, those that are whole. */
function split(png: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const view = new DataView(png.buffer);
  for (let at = SIGNATURE; at + 12 <= png.length; ) {
    const end = at + 12 + view.getUint32(at);
    if (end > png.length) break;
    chunks.push(png.subarray(at, end));
    at = end;
  }
  return chunks;
}

function chunk(type: Uint8Array, data: Uint8Array, length = data.length): Uint8Array {
  const bytes = concat([new Uint8Array(4), type, data, new Uint8Array(4)]);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(4, -4)));
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
