// Text chunks of a PNG: tEXt (Latin-1), zTXt (Latin-1, deflated) and iTXt (UTF-8, either way). A chunk is
// length (u32, big-endian) | type | data | CRC-32 of type and data (PNG specification, 3rd edition, §5.3 and §11.3).
// Files come from anywhere: every length is checked before it is used, only texts that are asked for are decoded, a
// wrong CRC drops the chunk, and inflating stops at a limit, so that a small file cannot become a large string. What
// Pillow reads is read: the last of two texts of one keyword, texts behind the picture, UTF-8 in tEXt, bytes behind a
// zlib stream.

import { Unzlib } from 'fflate';

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const MAX_TEXT = 2 ** 20;
const MAX_KEYWORDS = 1000;
const MAX_PROBLEMS = 8;
/** Compressed bytes at once: deflate makes at most 1032 bytes of one. */
const SLICE = 1024;

type TextType = 'tEXt' | 'zTXt' | 'iTXt';

export interface PngText {
  /** Those that were asked for, by keyword; the last of several wins. */
  readonly texts: ReadonlyMap<string, string>;
  /** All keywords that were seen, the first thousand. */
  readonly keywords: ReadonlySet<string>;
  /** EXIF's TIFF block, of the chunk eXIf; null where there is none. */
  readonly exif: Uint8Array | null;
  /** What was left out and why, as sentences. */
  readonly problems: readonly string[];
  /** Chunks that were passed. */
  readonly visited: number;
}

/**
 * @param wanted keywords to decode; the case of letters counts.
 * @throws Error where the file is no PNG. Faults of single chunks are `problems`.
 */
export async function readPngText(png: Blob, wanted: ReadonlySet<string>): Promise<PngText> {
  const bytes = new Uint8Array(await png.arrayBuffer());
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) throw new Error('This is not a PNG file.');
  /** The last of each keyword, still packed: only that is decoded, so that copies of one text cost nothing. */
  const chunks = new Map<string, { readonly type: TextType; readonly data: Uint8Array }>();
  const keywords = new Set<string>();
  const problems: string[] = [];
  const leaveOut = (type: string, error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    if (problems.length < MAX_PROBLEMS) problems.push(`A ${type} chunk was left out: ${why}.`);
  };
  let exif: Uint8Array | null = null;
  const view = new DataView(bytes.buffer);
  let visited = 0;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = latin1(bytes.subarray(at + 4, at + 8));
    const end = at + 12 + length;
    visited += 1;
    const data = bytes.subarray(at + 8, Math.min(end - 4, bytes.length));
    const isText = type === 'tEXt' || type === 'zTXt' || type === 'iTXt';
    const keyword = isText ? keywordOf(data) : '';
    if (end > bytes.length) {
      problems.push(`The file ends inside its chunk ${JSON.stringify(type)}.`);
      break;
    }
    if (type === 'IEND') break;
    if (isText && keyword !== null && keywords.size < MAX_KEYWORDS) keywords.add(keyword);
    if ((isText && (keyword === null || wanted.has(keyword))) || type === 'eXIf') {
      try {
        if (length > MAX_TEXT) throw new Error('it is larger than 1 MiB');
        if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4))
          throw new Error('its checksum is wrong');
        if (!isText) exif = data;
        else if (keyword === null) throw new Error('it has no keyword');
        else chunks.set(keyword, { type, data: data.subarray(keyword.length + 1) });
      } catch (error) {
        leaveOut(type, error);
      }
    }
    at = end;
  }
  const texts = new Map<string, string>();
  for (const [keyword, { type, data }] of chunks) {
    try {
      texts.set(keyword, decode(type, data));
    } catch (error) {
      leaveOut(type, error);
    }
  }
  return { texts, keywords, exif, problems, visited };
}

/**
 * The PNG with these texts behind its header: tEXt where Latin-1 holds them, else iTXt, as Pillow writes them.
 * @throws Error where the bytes are no PNG or a keyword is not 1–79 printable ASCII characters.
 */
export function writePngText(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  // Signature (8) and IHDR (12 + 13) always come first.
  const header = 33;
  if (png.length < header || !SIGNATURE.every((byte, at) => png[at] === byte))
    throw new Error('This is not a PNG file.');
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
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  // Readers, this one too, take bytes that are UTF-8 for UTF-8.
  const isLatin1 = /^[\t\n\r\u0020-\u007e\u00a0-\u00ff]*$/.test(text) && utf8OrLatin1(bytes) === text;
  const key = Uint8Array.from(keyword, (letter) => letter.charCodeAt(0));
  // tEXt: keyword 0 text. iTXt: keyword 0, not compressed, method 0, no language 0, no translated keyword 0, text.
  const content = isLatin1 ? bytes : new TextEncoder().encode(text);
  const gap = isLatin1 ? 1 : 5;
  const chunk = new Uint8Array(12 + key.length + gap + content.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, chunk.length - 12);
  chunk.set(
    Uint8Array.from(isLatin1 ? 'tEXt' : 'iTXt', (letter) => letter.charCodeAt(0)),
    4,
  );
  chunk.set(key, 8);
  chunk.set(content, 8 + key.length + gap);
  view.setUint32(chunk.length - 4, crc32(chunk.subarray(4, chunk.length - 4)));
  return chunk;
}

/** Up to the first zero byte, 1 to 79 letters; null where there is no such. */
function keywordOf(data: Uint8Array): string | null {
  const end = data.subarray(0, 80).indexOf(0);
  return end < 1 ? null : latin1(data.subarray(0, end));
}

/** @param data what stands behind the keyword and its zero. */
function decode(type: TextType, data: Uint8Array): string {
  if (type === 'tEXt') return utf8OrLatin1(data);
  if (type === 'zTXt') {
    if (data[0] !== 0) throw new Error('its compression is unknown');
    return utf8OrLatin1(inflated(data.subarray(1)));
  }
  const compressed = data[0];
  const languageEnd = data.indexOf(0, 2);
  const translatedEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  if (translatedEnd < 0 || compressed === undefined || compressed > 1 || data[1] !== 0)
    throw new Error('it is malformed');
  const content = data.subarray(translatedEnd + 1);
  return new TextDecoder().decode(compressed === 1 ? inflated(content) : content);
}

/** zlib data to at most 1 MiB; more is an error, and hardly more is made. */
function inflated(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  const stream = new Unzlib((part) => {
    size += part.length;
    if (size > MAX_TEXT) throw new Error('it unpacks to more than 1 MiB');
    parts.push(part);
  });
  for (let at = 0; at === 0 || at < data.length; at += SLICE) {
    stream.push(data.slice(at, at + SLICE), at + SLICE >= data.length);
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * The specification says Latin-1; many programs write UTF-8, which Latin-1 hardly ever is by chance. Ends at a zero.
 */
function utf8OrLatin1(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    return latin1(text);
  }
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

export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
