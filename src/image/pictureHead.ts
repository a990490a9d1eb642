// What the first bytes of a picture's file say, before anything is decoded: its format, its size, whether it moves, and
// whether a colour has more than eight bits. A file of a few kilobytes may decode to more than there is memory for.
//
//   PNG   IHDR: width, height (big-endian), depth; acTL before IDAT: APNG (W3C PNG, third edition)
//   JPEG  SOFn behind segments of any number: height, width (ITU T.81, B.2.2)
//   WebP  VP8X, VP8L or VP8 as the first chunk (RFC 9649)
//   GIF   the logical screen, little-endian; a second image descriptor: an animation (GIF89a)
//   HEIF  `ftyp` with its brand; every `ispe` box has a size, the largest is the whole's (ISO 23008-12): AVIF, HEIC

export type PictureFormat = 'PNG' | 'JPEG' | 'WebP' | 'GIF' | 'AVIF' | 'HEIC';

export interface PictureHead {
  readonly format: PictureFormat;
  /** As they are stored, before EXIF turns them. */
  readonly width: number;
  readonly height: number;
  readonly isAnimated: boolean;
  readonly isDeep: boolean;
}

/** Metadata comes before the picture; a GIF's first image is as long as it is. */
const HEAD = 4 * 2 ** 20;

/** null where the file is none of these, or damaged there. */
export async function readPictureHead(file: Blob): Promise<PictureHead | null> {
  const bytes = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  const format = formatOf(bytes);
  if (format === null) return null;
  try {
    return { format, isAnimated: false, isDeep: false, ...READERS[format](new DataView(bytes.buffer)) };
  } catch (error) {
    // What was to be read lies beyond the end.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** @param head the first 12 bytes, or more */
export function formatOf(head: Uint8Array): PictureFormat | null {
  const letters = String.fromCharCode(...head.subarray(0, 12));
  if (head[0] === 0x89) return 'PNG';
  if (head[0] === 0xff && head[1] === 0xd8) return 'JPEG';
  if (letters.startsWith('RIFF') && letters.slice(8) === 'WEBP') return 'WebP';
  if (letters.startsWith('GIF8')) return 'GIF';
  if (letters.slice(4, 8) !== 'ftyp') return null;
  const brand = letters.slice(8);
  if (brand.startsWith('avi')) return 'AVIF';
  return ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1'].includes(brand) ? 'HEIC' : null;
}

type Read = Omit<PictureHead, 'format' | 'isAnimated' | 'isDeep'> & Partial<PictureHead>;

const READERS: Readonly<Record<PictureFormat, (view: DataView<ArrayBuffer>) => Read>> = {
  PNG: (view) => {
    const size = { width: view.getUint32(16), height: view.getUint32(20), isDeep: view.getUint8(24) > 8 };
    for (let at = 8; at + 8 <= view.byteLength; at += 12 + view.getUint32(at)) {
      const type = lettersAt(view, at + 4);
      if (type === 'acTL') return { ...size, isAnimated: true };
      if (type === 'IDAT') break;
    }
    return size;
  },
  JPEG: (view) => {
    for (let at = 2; ; ) {
      const marker = view.getUint8(at + 1);
      // A marker may have more of its first byte before it.
      if (view.getUint8(at) !== 0xff || marker === 0xff) at += 1;
      else if (isFrame(marker))
        return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), isDeep: view.getUint8(at + 4) > 8 };
      else at += 2 + view.getUint16(at + 2);
    }
  },
  WebP: (view) => {
    const type = lettersAt(view, 12);
    if (type === 'VP8X') {
      const isAnimated = (view.getUint8(20) & 2) !== 0;
      return { width: 1 + uint24(view, 24), height: 1 + uint24(view, 27), isAnimated };
    }
    if (type === 'VP8L') {
      const bits = view.getUint32(21, true);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  },
  GIF: (view) => ({
    width: view.getUint16(6, true),
    height: view.getUint16(8, true),
    isAnimated: gifImages(view) > 1,
  }),
  AVIF: heifSize,
  HEIC: heifSize,
};

/** SOF0 … SOF15 without DHT, JPG and DAC, which lie among them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** Two at most are counted. */
function gifImages(view: DataView): number {
  const colours = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  const behindBlocks = (start: number) => {
    let at = start;
    while (view.getUint8(at) > 0) at += 1 + view.getUint8(at);
    return at + 1;
  };
  let images = 0;
  for (let at = 13 + colours(view.getUint8(10)); at < view.byteLength && images < 2; ) {
    const kind = view.getUint8(at);
    if (kind === 0x21) at = behindBlocks(at + 2);
    else if (kind === 0x2c) {
      images += 1;
      if (images < 2) at = behindBlocks(at + 11 + colours(view.getUint8(at + 9)));
    } else break;
  }
  return images;
}

function heifSize(view: DataView): Read {
  let [width, height] = [0, 0];
  // Boxes lie within boxes, all near the beginning; the four letters are found where they are.
  for (let at = 4; at + 16 <= Math.min(view.byteLength, 2 ** 16); at += 1) {
    if (view.getUint32(at) !== 0x69737065) continue;
    width = Math.max(width, view.getUint32(at + 8));
    height = Math.max(height, view.getUint32(at + 12));
  }
  return { width, height, isAnimated: lettersAt(view, 8) === 'avis' };
}

function lettersAt(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) + 2 ** 16 * view.getUint8(at + 2);
}
