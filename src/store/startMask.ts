// The mask on the start image, as it is painted: bytes that change in place, told by `version`. When the hand rests, or
// a run asks for it, it is sealed: a Blob with its hash goes along with the start image to the engine. One in which
// nothing is masked does not. It lives as long as a start image of its size does.

import { create } from 'zustand';
import type { Point } from '../image/brush';
import { encodeGrayPng } from '../image/grayPng';
import { MaskPixels } from '../image/maskPixels';
import type { Box } from '../image/resample';
import { maskPicture } from '../image/startPicture';
import { download } from './saveFile';
import { hashOf, isSameSize, useStartImage, whyNotRead } from './startImage';

/** Milliseconds without a change before a mask is sealed. */
const REST_MS = 250;
/** A brush at first: this part of the picture's shorter edge. */
const FIRST_BRUSH = 1 / 6;

interface MaskStore {
  /** null before anything was masked, or where there is no start image. */
  readonly pixels: MaskPixels | null;
  /** Counts the changes of `pixels`. */
  readonly version: number;
  /** 0 … 1: how much of the picture is made anew. */
  readonly share: number;
  /** The brush's diameter in pixels of the picture. */
  readonly brush: number;
  /** What was done with the file that was chosen last, or why nothing, as sentences. */
  readonly said: readonly string[];
  readonly setBrush: (diameter: number) => void;
  readonly beginStroke: () => void;
  /** @returns what of the mask is another now */
  readonly stroke: (from: Point, to: Point, erases: boolean) => Box | null;
  readonly endStroke: () => void;
  /** As if the stroke had not been begun. */
  readonly dropStroke: () => void;
  readonly invert: () => void;
  readonly clear: () => void;
  readonly undo: () => void;
  readonly redo: () => void;
  /** White, or opaque, is made anew. */
  readonly choose: (file: File) => Promise<void>;
  readonly save: () => Promise<void>;
  /** null where the start image has the mask as it is painted, else when it will. */
  readonly sealed: () => Promise<void> | null;
}

export const useStartMask = create<MaskStore>()((set, get) => {
  let resting: ReturnType<typeof setTimeout> | undefined;
  let sealing: Promise<void> | null = null;
  let sealedVersion = 0;
  /** Of files that are chosen. */
  let turn = 0;
  /** Of the start image's size; made when something is masked at first. */
  const pixelsOf = (): MaskPixels | null => {
    const { chosen } = useStartImage.getState();
    const { pixels } = get();
    if (!chosen || pixels) return pixels;
    const made = new MaskPixels(chosen.image.width, chosen.image.height);
    set({ pixels: made });
    return made;
  };
  const seal = async () => {
    const { pixels, version } = get();
    if (!pixels) {
      sealedVersion = version;
      return;
    }
    const share = pixels.count() / pixels.gray.length;
    set({ share });
    const gray = share > 0 ? new Blob([pixels.gray]) : null;
    const hash = gray && (await hashOf(pixels, pixels.gray));
    // What has changed meanwhile is sealed next.
    if (get().pixels !== pixels || get().version !== version) return;
    useStartImage.getState().setMask(gray && hash ? { gray, hash } : null);
    sealedVersion = version;
  };
  const sealed = (): Promise<void> | null => {
    clearTimeout(resting);
    if (get().version === sealedVersion) return null;
    sealing ??= seal().finally(() => {
      sealing = null;
    });
    return sealing.then(() => sealed() ?? undefined);
  };
  const changed = () => {
    set(({ version }) => ({ version: version + 1 }));
    clearTimeout(resting);
    resting = setTimeout(() => void sealed(), REST_MS);
  };
  const change = (how: (pixels: MaskPixels) => void) => {
    const pixels = pixelsOf();
    if (!pixels) return;
    how(pixels);
    set({ said: [] });
    changed();
  };
  useStartImage.subscribe(({ chosen }, { chosen: before }) => {
    if (chosen?.image.hash === before?.image.hash) return;
    turn += 1;
    const { pixels } = get();
    if (chosen && pixels && isSameSize(chosen.image, pixels)) {
      set({ said: before && pixels.canUndo ? ['The mask was kept: the picture has the size of the last one.'] : [] });
      return;
    }
    const lost = chosen && get().share > 0;
    const said = lost ? ['The mask was of a picture of another size, and went with it.'] : [];
    clearTimeout(resting);
    set(({ version }) => ({ pixels: null, version: version + 1, share: 0, said }));
    sealedVersion = get().version;
    if (chosen)
      set({ brush: Math.max(1, Math.round(FIRST_BRUSH * Math.min(chosen.image.width, chosen.image.height))) });
  });
  return {
    pixels: null,
    version: 0,
    share: 0,
    brush: 1,
    said: [],
    setBrush: (brush) => {
      const { width = 1, height = 1 } = useStartImage.getState().chosen?.image ?? {};
      set({ brush: Math.min(Math.max(1, brush), Math.max(width, height)) });
    },
    beginStroke: () => pixelsOf()?.begin(),
    stroke: (from, to, erases) => get().pixels?.line(from, to, get().brush / 2, erases) ?? null,
    endStroke: () => change((pixels) => pixels.end()),
    dropStroke: () => change((pixels) => pixels.revert()),
    invert: () => change((pixels) => pixels.invert()),
    clear: () => change((pixels) => pixels.fill(0)),
    undo: () => change((pixels) => pixels.undo()),
    redo: () => change((pixels) => pixels.redo()),
    choose: async (file) => {
      const { chosen } = useStartImage.getState();
      if (!chosen) return;
      turn += 1;
      const own = turn;
      const { width, height } = chosen.image;
      let said: string[];
      try {
        const { gray, scaledFrom, isByAlpha } = await maskPicture(file, width, height);
        if (own !== turn) return;
        change((pixels) => pixels.fill(gray));
        const was = scaledFrom && `${scaledFrom.width} × ${scaledFrom.height}`;
        said = [
          ...(was === null ? [] : [`${file.name} was ${was} and was stretched to the picture’s ${width} × ${height}.`]),
          ...(isByAlpha ? [`What is opaque in ${file.name} is masked, whatever its colour.`] : []),
        ];
      } catch (error) {
        said = [`${file.name}: ${await whyNotRead(file, error)}`];
      }
      if (own === turn) set({ said });
    },
    save: async () => {
      const { pixels } = get();
      const { chosen } = useStartImage.getState();
      if (!pixels || !chosen) return;
      const stem = chosen.name.replace(/\.[a-z0-9]{1,5}$/i, '').slice(0, 60);
      download(await encodeGrayPng(pixels), `${stem} mask.png`);
    },
    sealed,
  };
});

/** Begins a run when the start image has the mask as it is painted: at once where it has. */
export function withMask(begin: () => void): void {
  const sealing = useStartMask.getState().sealed();
  if (sealing) void sealing.then(begin);
  else begin();
}
