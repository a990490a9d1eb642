// The start image slice: the picture that runs begin from, for as long as the page is open. A run that fails, another
// model and other settings leave it as it is.

import { create } from 'zustand';
import { encodePng } from '../image/png';
import type { RgbPixels as Rgb } from '../image/resample';
import { MOST_PIXELS, startPicture, withoutAlpha } from '../image/startPicture';
import type { Pixels, StartImage } from '../protocol/messages';
import { newId } from './browser';

export interface ChosenStart {
  /** For people. */
  readonly name: string;
  readonly image: StartImage;
  /** An address to show it from. */
  readonly url: string;
}

interface StartStore {
  readonly chosen: ChosenStart | null;
  /** Why the last one was not taken, as a sentence. */
  readonly refused: string | null;
  readonly choose: (file: File) => Promise<void>;
  /** A picture that was made here. */
  readonly chooseMade: (pixels: Pixels, name: string) => Promise<void>;
  readonly remove: () => void;
}

export const useStartImage = create<StartStore>()((set, get) => {
  let turn = 0;
  const take = async (picture: Rgb, shown: Blob, name: string, own: number) => {
    const { width, height, rgb } = picture;
    const image = { width, height, hash: await hashOf(picture), rgb: new Blob([rgb]) };
    if (own !== turn) return;
    get().remove();
    set({ chosen: { name, image, url: URL.createObjectURL(shown) }, refused: null });
  };
  return {
    chosen: null,
    refused: null,
    choose: async (file) => {
      turn += 1;
      const own = turn;
      try {
        await take(await startPicture(file), file, file.name, own);
      } catch (error) {
        if (own === turn) set({ refused: `${file.name}: ${whyNot(error)}` });
      }
    },
    chooseMade: async ({ width, height, rgba }, name) => {
      turn += 1;
      await take({ width, height, rgb: withoutAlpha(rgba) }, await encodePng({ width, height, rgba }), name, turn);
    },
    remove: () => {
      const { chosen } = get();
      if (chosen) URL.revokeObjectURL(chosen.url);
      set({ chosen: null, refused: null });
    },
  };
});

function whyNot(error: unknown): string {
  if (error instanceof RangeError)
    return (
      `it has ${error.message} pixels, and ${MOST_PIXELS / 1e6} million are the most. ` +
      'Make it smaller in another program: a picture of the size that you want to make is enough.'
    );
  return (
    'this browser cannot read it as a picture. Save it as PNG, JPEG or WebP in another program and choose that; ' +
    'HEIC is read by Safari alone.'
  );
}

/** SHA-256 of width, height and bytes, hexadecimal; over plain http, where there is none, a name of its own. */
async function hashOf({ width, height, rgb }: Rgb): Promise<string> {
  if (!('subtle' in crypto)) return newId();
  const bytes = await new Blob([`${width} ${height}\n`, rgb]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
