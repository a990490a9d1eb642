// The start image slice: the picture that runs begin from, with the mask on it (`startMask`), for as long as the page
// is open. A run that fails, another model and other settings leave it as it is.

import { create } from 'zustand';
import { MOST_PIXELS } from '../image/decodedPicture';
import { readPictureHead } from '../image/pictureHead';
import { encodePng } from '../image/png';
import type { RgbPixels as Rgb } from '../image/resample';
import { startPicture, withoutAlpha } from '../image/startPicture';
import type { MaskImage, Pixels, StartImage } from '../protocol/pictureData';
import { newId } from './browser';

export interface ChosenStart {
  /** For people. */
  readonly name: string;
  readonly image: StartImage;
  /** An address to show it from. */
  readonly url: string;
  /** What of the file is not in the picture, as sentences. */
  readonly notes: readonly string[];
}

interface StartStore {
  readonly chosen: ChosenStart | null;
  /** Why the last one was not taken, as a sentence. */
  readonly refused: string | null;
  /** How often one was taken from elsewhere on the page than its section. */
  readonly offers: number;
  readonly choose: (file: File) => Promise<void>;
  /** From elsewhere on the page: its section opens. */
  readonly chooseOffered: (file: File) => Promise<void>;
  /** A picture that was made here. */
  readonly chooseMade: (pixels: Pixels, name: string) => Promise<void>;
  readonly setMask: (mask: MaskImage | null) => void;
  readonly remove: () => void;
}

export const useStartImage = create<StartStore>()((set, get) => {
  let turn = 0;
  const take = async (picture: Rgb, shown: Blob, name: string, notes: readonly string[], own: number) => {
    const { width, height, rgb } = picture;
    const hash = await hashOf(picture, rgb);
    if (own !== turn) return;
    const { chosen } = get();
    if (chosen) URL.revokeObjectURL(chosen.url);
    // A mask fits another picture of its size: one that was made of this one is the next to be mended.
    const { mask } = chosen && isSameSize(chosen.image, picture) ? chosen.image : {};
    const image = { width, height, hash, rgb: new Blob([rgb]), ...(mask && { mask }) };
    set({ chosen: { name, image, url: URL.createObjectURL(shown), notes }, refused: null });
  };
  const choose = async (file: File) => {
    turn += 1;
    const own = turn;
    try {
      const { picture, ...about } = await startPicture(file);
      await take(picture, file, file.name, notesOf(about), own);
    } catch (error) {
      const refused = `${file.name}: ${await whyNotRead(file, error)}`;
      if (own === turn) set({ refused });
    }
  };
  return {
    chosen: null,
    refused: null,
    offers: 0,
    choose,
    chooseOffered: async (file) => {
      await choose(file);
      set(({ offers }) => ({ offers: offers + 1 }));
    },
    chooseMade: async ({ width, height, rgba }, name) => {
      turn += 1;
      const own = turn;
      const shown = await encodePng({ width, height, rgba });
      await take({ width, height, rgb: withoutAlpha(rgba) }, shown, name, [], own);
    },
    setMask: (mask) => {
      const { chosen } = get();
      if (!chosen) return;
      const { width, height, hash, rgb } = chosen.image;
      set({ chosen: { ...chosen, image: { width, height, hash, rgb, ...(mask && { mask }) } } });
    },
    remove: () => {
      turn += 1;
      const { chosen } = get();
      if (chosen) URL.revokeObjectURL(chosen.url);
      set({ chosen: null, refused: null });
    },
  };
});

export function isSameSize(one: Pick<Rgb, 'width' | 'height'>, other: Pick<Rgb, 'width' | 'height'>): boolean {
  return one.width === other.width && one.height === other.height;
}

function notesOf(about: Omit<Awaited<ReturnType<typeof startPicture>>, 'picture'>): string[] {
  return [
    ...(about.isAnimated ? ['It moves: its first frame is used.'] : []),
    ...(about.isTransparent ? ['What is transparent in it lies on white.'] : []),
    ...(about.isDeep ? ['Of its colours’ bits the upper eight are used.'] : []),
  ];
}

/** Of a file that was not taken as a picture. */
export async function whyNotRead(file: Blob, error: unknown): Promise<string> {
  if (error instanceof RangeError)
    return (
      `it has ${error.message} pixels, and ${MOST_PIXELS / 1e6} million are the most. ` +
      'Make it smaller in another program: a picture of the size that you want to make is enough.'
    );
  const head = await readPictureHead(file).catch(() => null);
  return head?.format === 'HEIC'
    ? 'it is HEIC, which Safari alone reads. Save it as JPEG or PNG in another program and choose that.'
    : 'this browser cannot read it as a picture. Save it as PNG, JPEG or WebP in another program and choose that.';
}

/** SHA-256 of width, height and bytes, hexadecimal; over plain http, where there is none, a name of its own. */
export async function hashOf(
  { width, height }: Pick<Rgb, 'width' | 'height'>,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (!('subtle' in crypto)) return newId();
  const all = await new Blob([`${width} ${height}\n`, bytes]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', all));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
