// Pictures as they cross the wall between page and worker.

/** The picture that a run starts from. */
export interface StartImage extends Size {
  /** SHA-256 of the pixels, hexadecimal: another hash is another picture. */
  readonly hash: string;
  /** Top row first, RGB, a byte each. */
  readonly rgb: Blob;
  /** What of it is made anew; absent: all. */
  readonly mask?: MaskImage;
}

/** Of a start image's own size. */
export interface MaskImage {
  /** SHA-256, hexadecimal: another hash is another mask. */
  readonly hash: string;
  /** Top row first, a byte a pixel: 255 is made anew, 0 is kept. */
  readonly gray: Blob;
}

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** One picture, top row first. The buffer is transferred, not copied. */
export interface Pixels extends Size {
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/**
 * `withoutPag` is null unless the run compares; and in a preview where it is what the run's last preview showed, since
 * it was finished before.
 */
export interface Pair {
  readonly withoutPag: Pixels | null;
  readonly withPag: Pixels;
}

/** Where PAG pushes, a value a latent. */
export interface Push extends Size {
  /** The largest value, which is 255 in `values`; 0 where there is none. */
  readonly most: number;
  readonly values: Uint8Array<ArrayBuffer>;
}

/** In parts of the picture's edges, 0 … 1. */
export interface PicturePart {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}
