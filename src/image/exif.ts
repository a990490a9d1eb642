// Texts in EXIF (CIPA DC-008): a TIFF block of its own in PNG (eXIf), JPEG (APP1) and WebP (EXIF). Programs that make
// pictures put their settings into UserComment, some into ImageDescription or Windows' XPComment. Every offset and
// count is checked before it is used.

const EXIF_IFD = 0x8769;
const USER_COMMENT = 0x9286;
const IMAGE_DESCRIPTION = 0x010e;
const XP_COMMENT = 0x9c9c;
const ASCII = 2;
const MAX_ENTRIES = 1000;
const MAX_TEXT = 2 ** 20;
/** Bytes that tell UserComment's encoding. */
const CODE = 8;

/** Texts of these that are there and not empty; none where the block is damaged. */
export function exifTexts(tiff: Uint8Array): readonly string[] {
  const order = String.fromCharCode(tiff[0] ?? 0, tiff[1] ?? 0);
  if ((order !== 'II' && order !== 'MM') || tiff.length < 8) return [];
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = order === 'II';
  const first = entries(view, view.getUint32(4, little), little);
  const pointer = first.get(EXIF_IFD);
  const exif = pointer ? entries(view, pointer.value, little) : new Map<number, Entry>();
  const bytesOf = (entry: Entry | undefined) => (entry ? tiff.subarray(entry.start, entry.start + entry.length) : null);
  const comments = [exif.get(USER_COMMENT), first.get(USER_COMMENT)].map(bytesOf);
  const texts = [
    ...comments.map((comment) => comment && userComment(comment, little)),
    utf8(bytesOf(first.get(IMAGE_DESCRIPTION))),
    utf16(bytesOf(first.get(XP_COMMENT)), true),
  ];
  return texts.map((text) => (text ?? '').replace(/\0[\s\S]*$/, '').trim()).filter((text) => text !== '');
}

interface Entry {
  readonly start: number;
  readonly length: number;
  /** Where the entry is one number of four bytes. */
  readonly value: number;
}

/** Directory of 12-byte entries: tag, type, count, and the value or where it lies. */
function entries(view: DataView, at: number, little: boolean): Map<number, Entry> {
  const found = new Map<number, Entry>();
  if (at + 2 > view.byteLength) return found;
  const count = Math.min(view.getUint16(at, little), MAX_ENTRIES);
  for (let index = 0; index < count; index += 1) {
    const entry = at + 2 + 12 * index;
    if (entry + 12 > view.byteLength) break;
    const [tag, type, units] = [
      view.getUint16(entry, little),
      view.getUint16(entry + 2, little),
      view.getUint32(entry + 4, little),
    ];
    const value = view.getUint32(entry + 8, little);
    // Of the types with texts, each unit is a byte (ASCII, BYTE, UNDEFINED).
    const length = Math.min(units, MAX_TEXT);
    const start = type >= ASCII - 1 && length > 4 ? value : entry + 8;
    if (start + length <= view.byteLength) found.set(tag, { start, length, value });
    else if (tag === EXIF_IFD) found.set(tag, { start: entry + 8, length: 4, value });
  }
  return found;
}

/** UserComment: eight bytes name the encoding; UNICODE is UTF-16 in either order, whatever the order of the block. */
function userComment(bytes: Uint8Array, little: boolean): string | null {
  const code = String.fromCharCode(...bytes.subarray(0, CODE)).replace(/[\0 ]+$/, '');
  const rest = bytes.subarray(CODE);
  if (code === 'UNICODE') return utf16(rest, isLittle(rest) ?? little);
  if (code === 'ASCII' || code === '') return utf8(rest);
  if (code === 'JIS') return new TextDecoder('euc-jp').decode(rest);
  return utf8(bytes);
}

/** Latin letters and spaces have one zero byte: it comes last in little-endian UTF-16. null where there are none. */
function isLittle(bytes: Uint8Array): boolean | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return true;
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return false;
  let balance = 0;
  for (let at = 0; at + 1 < Math.min(bytes.length, 4096); at += 2)
    balance += Number(bytes[at + 1] === 0) - Number(bytes[at] === 0);
  return balance === 0 ? null : balance > 0;
}

function utf16(bytes: Uint8Array | null, little: boolean): string | null {
  return bytes && new TextDecoder(little ? 'utf-16le' : 'utf-16be').decode(bytes);
}

function utf8(bytes: Uint8Array | null): string | null {
  return bytes && new TextDecoder().decode(bytes);
}
