// What is written in a picture, whatever its format: the texts of a PNG, and the comments in EXIF of PNG, JPEG and
// WebP. The first bytes say what a file is. Sizes are those of the files' own chunks, each checked before it is used.

import { exifTexts } from './exif';
import { formatOf, type PictureFormat } from './pictureHead';
import { readPngText, type PngText } from './pngText';

export interface PictureText extends PngText {
  readonly format: Readable;
  /** From EXIF, in the order in which programs use its fields. */
  readonly comments: readonly string[];
}

type Readable = Extract<PictureFormat, 'PNG' | 'JPEG' | 'WebP'>;

const MAX_FILE = 64 * 2 ** 20;
/** A marker segment of JPEG has at most 64 KiB; metadata comes before the picture. */
const JPEG_HEAD = 4 * 2 ** 20;
const MAX_CHUNKS = 10_000;

/**
 * null where the file is no picture of these formats.
 * @param wanted keywords of PNG texts to read; of others only that they are there.
 * @throws Error with a sentence where the file is larger than 64 MiB, or is no PNG though it begins like one.
 */
export async function readPictureText(file: Blob, wanted: ReadonlySet<string>): Promise<PictureText | null> {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const format = formatOf(head);
  if (!isReadable(format)) return null;
  if (file.size > MAX_FILE) throw new Error('This file is too large: metadata is read from files of up to 64 MiB.');
  if (format === 'PNG') {
    const read = await readPngText(file, wanted);
    return { ...read, format, comments: read.exif ? exifTexts(read.exif) : [] };
  }
  const bytes = new Uint8Array(await (format === 'JPEG' ? file.slice(0, JPEG_HEAD) : file).arrayBuffer());
  const exif = format === 'JPEG' ? jpegExif(bytes) : webpExif(bytes);
  return {
    format,
    texts: new Map(),
    keywords: new Set(),
    problems: [],
    exif,
    visited: 0,
    comments: exif ? exifTexts(exif) : [],
  };
}

function isReadable(format: PictureFormat | null): format is Readable {
  return format === 'PNG' || format === 'JPEG' || format === 'WebP';
}

/** APP1 segments (0xFFE1) before the picture; EXIF's begins with "Exif", 0, 0. */
function jpegExif(bytes: Uint8Array): Uint8Array | null {
  const view = new DataView(bytes.buffer);
  for (let at = 2, seen = 0; at + 4 <= bytes.length && seen < MAX_CHUNKS; seen += 1) {
    if (bytes[at] !== 0xff || bytes[at + 1] === 0xda) return null;
    // A marker may have more of its first byte before it.
    if (bytes[at + 1] === 0xff) {
      at += 1;
      continue;
    }
    const length = view.getUint16(at + 2);
    const data = bytes.subarray(at + 4, at + 2 + length);
    if (bytes[at + 1] === 0xe1 && String.fromCharCode(...data.subarray(0, 6)) === 'Exif\0\0') return data.subarray(6);
    at += 2 + Math.max(2, length);
  }
  return null;
}

/** RIFF chunks: name, length (little-endian), data, padded to an even length. Some writers keep JPEG's "Exif", 0, 0. */
function webpExif(bytes: Uint8Array): Uint8Array | null {
  const view = new DataView(bytes.buffer);
  for (let at = 12, seen = 0; at + 8 <= bytes.length && seen < MAX_CHUNKS; seen += 1) {
    const length = view.getUint32(at + 4, true);
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (String.fromCharCode(...bytes.subarray(at, at + 4)) === 'EXIF') {
      return String.fromCharCode(...data.subarray(0, 6)) === 'Exif\0\0' ? data.subarray(6) : data;
    }
    at += 8 + length + (length % 2);
  }
  return null;
}
