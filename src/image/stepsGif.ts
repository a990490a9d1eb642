// The steps of a run as an animated GIF, which every chat and forum plays: the pair as it grows, and at the end, for
// longer, as it is. The encoder is a library that is fetched when it is asked for.

import { drawPair, type CaptionedPixels } from './pairPicture';

export interface StepFrame {
  readonly pictures: readonly CaptionedPixels[];
  /** Below them: "step 3 of 20". */
  readonly words: string;
}

/** Pixels of the longer edge of a picture. */
const EDGE = 320;
/** A run takes about so long, whatever the number of its steps; browsers hold no frame for less than 20 ms. */
const WHOLE_MS = 3000;
const LONGEST_MS = 400;
const LAST_MS = 2000;

/** @param size of the finished pictures: those of steps may have fewer pixels */
export async function stepsGif(
  frames: readonly StepFrame[],
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Blob> {
  const longest = Math.max(width, height);
  // Of a small picture each pixel is as large as the others.
  const scale = longest < EDGE ? Math.max(1, Math.floor(EDGE / longest)) : EDGE / longest;
  const size = { width: Math.round(width * scale), height: Math.round(height * scale), smooth: longest >= EDGE };
  const delay = Math.min(LONGEST_MS, Math.round(WHOLE_MS / frames.length));
  const drawn: { readonly data: Uint8ClampedArray<ArrayBuffer>; readonly delay: number }[] = [];
  let edges = { width: 0, height: 0 };
  for (const [at, { pictures, words }] of frames.entries()) {
    // A step's own picture is a pixel a latent.
    const smooth = size.smooth || pictures.some(({ pixels }) => pixels.width < width);
    const canvas = await drawPair(pictures, words, { ...size, smooth });
    edges = { width: canvas.width, height: canvas.height };
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    drawn.push({ data, delay: at === frames.length - 1 ? LAST_MS : delay });
  }
  const { encode } = await import('modern-gif');
  return encode({ ...edges, format: 'blob', maxColors: 255, looped: true, frames: drawn });
}
