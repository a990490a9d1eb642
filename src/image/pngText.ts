// Text chunks of a PNG: tEXt (Latin-1), zTXt (Latin-1, deflated) and iTXt (UTF-8, either way). A chunk is
// length (u32, big-endian) | type | data | CRC-32 of type and data (PNG specification, 3rd edition, §5.3 and §11.3).
// Files come from anywhere: every length is checked before it is used, a wrong CRC drops the chunk, and inflating
// stops at a byte limit, so that a small file cannot become a large string.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const MAX_FILE = 64 * 2 ** 20;
const MAX_TEXT = 2 ** 20;
const MAX_CHUNKS = 64;

export interface PngText {
  /** By keyword; the first of several wins. */
  readonly texts: ReadonlyMap<string, string>;
  /** What was left out and why, as sentences. */
  readonly problems: readonly string[];
}

/** @throws Error where the file is no PNG or is larger than 64 MiB. Faults of single chunks are `problems`. */
export async function readPngText(png: Blob): Promise<PngText> {
  if (png.size > MAX_FILE) throw new Error('This file is too large: metadata is read from files of up to 64 MiB.');
  const bytes = new Uint8Array(await png.arrayBuffer());
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) throw new Error('This is not a PNG file.');
  const texts = new Map<string, string>();
  const problems: string[] = [];
  const view = new DataView(bytes.buffer);
  let found = 0;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = latin1(bytes.subarray(at + 4, at + 8));
    const end = at + 12 + length;
    if (end > bytes.length) {
      problems.push(`The file ends inside its chunk ${JSON.stringify(type)}.`);
      break;
    }
    if (type === 'IEND') break;
    if (type === 'tEXt' || type === 'zTXt' || type === 'iTXt') {
      found += 1;
      if (found > MAX_CHUNKS) {
        problems.push(`Only the first ${MAX_CHUNKS} texts were read.`);
        break;
      }
      try {
        if (length > MAX_TEXT) throw new Error('it is larger than 1 MiB');
        if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) throw new Error('its checksum is wrong');
        const [keyword, text] = await decode(type, bytes.subarray(at + 8, end - 4));
        if (!texts.has(keyword)) texts.set(keyword, text);
      } catch (error) {
        problems.push(`A ${type} chunk was left out: ${error instanceof Error ? error.message : String(error)}.`);
      }
    }
    at = end;
  }
  return { texts, problems };
}

/**
 * The PNG with these texts behind its header: tEXt where Latin-1 holds them, else iTXt, as Pillow writes them.
 * @throws Error where the bytes are no PNG or a keyword is not 1–79 printable ASCII characters.
 */
export function writePngText(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  // Signature (8) and IHDR (12 + 13) always come first.
  const header = 33;
  if (png.length < header || !SIGNATURE.every((byte, at) => png[at] === byte)) throw new Error('This is not a PNG file.');
  const chunks = Object.entries(texts).map(([keyword, text]) => encode(keyword, text));
  const out = new Uint8Array(png.length + chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  out.set(png.subarray(0, header));
  let at = header;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  out.set(png.subarray(header), at);
  return out;
}

function encode(keyword: string, text: string): Uint8Array {
  if (!/^[!-~](?:[ -~]{0,77}[!-~])?$/.test(keyword)) throw new Error(`${JSON.stringify(keyword)} is no PNG keyword.`);
  const isLatin1 = /^[\t\n\r\u0020-\u007e\u00a0-\u00ff]*$/.test(text);
  const key = Uint8Array.from(keyword, (letter) => letter.charCodeAt(0));
  // tEXt: keyword 0 text. iTXt: keyword 0, not compressed, method 0, no language 0, no translated keyword 0, text.
  const content = isLatin1 ? Uint8Array.from(text, (letter) => letter.charCodeAt(0)) : new TextEncoder().encode(text);
  const gap = isLatin1 ? 1 : 5;
  const chunk = new Uint8Array(12 + key.length + gap + content.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, chunk.length - 12);
  chunk.set(Uint8Array.from(isLatin1 ? 'tEXt' : 'iTXt', (letter) => letter.charCodeAt(0)), 4);
  chunk.set(key, 8);
  chunk.set(content, 8 + key.length + gap);
  view.setUint32(chunk.length - 4, crc32(chunk.subarray(4, chunk.length - 4)));
  return chunk;
}

async function decode(type: 'tEXt' | 'zTXt' | 'iTXt', data: Uint8Array<ArrayBuffer>): Promise<[string, string]> {
  const keyEnd = data.indexOf(0);
  if (keyEnd < 1 || keyEnd > 79) throw new Error('it has no keyword');
  const keyword = latin1(data.subarray(0, keyEnd));
  if (type === 'tEXt') return [keyword, latin1(data.subarray(keyEnd + 1))];
  if (type === 'zTXt') {
    if (data[keyEnd + 1] !== 0) throw new Error('its compression is unknown');
    return [keyword, latin1(await inflate(data.subarray(keyEnd + 2)))];
  }
  const compressed = data[keyEnd + 1];
  const languageEnd = data.indexOf(0, keyEnd + 3);
  const translatedEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  if (translatedEnd < 0 || compressed === undefined || compressed > 1 || data[keyEnd + 2] !== 0) throw new Error('it is malformed');
  const content = data.subarray(translatedEnd + 1);
  const utf8 = compressed === 1 ? await inflate(content) : content;
  return [keyword, new TextDecoder().decode(utf8)];
}

/** zlib data to at most 1 MiB; more is an error, and is never made. */
async function inflate(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream('deflate')).getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > MAX_TEXT) throw new Error('it unpacks to more than 1 MiB');
      parts.push(value);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Byte n is U+00n. (TextDecoder's `latin1` is windows-1252, which differs from 128 to 159.) */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 255] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
