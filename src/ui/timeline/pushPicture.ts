// Where PAG pushes, over the picture as it is at that step: the estimate in grey, and the accent colour over it by how
// far the two predictions are apart, the most of the whole run at full strength.

import type { Pixels, StepTrace } from '../../protocol/messages';

/** sRGB; seen well on grey by people of any colour vision. */
const ACCENT = [255, 94, 20] as const;

/** null where no perturbed row ran. @param most of the run, see `mostPush` */
export function pushPicture({ withPag, push }: StepTrace, most: number): Pixels | null {
  if (!push || most === 0) return null;
  const { width, height, rgba } = withPag;
  const out = new Uint8ClampedArray(rgba.length);
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor((y * push.height) / height) * push.width;
    for (let x = 0; x < width; x += 1) {
      const at = 4 * (y * width + x);
      const part = push.values[row + Math.floor((x * push.width) / width)]! / most;
      const grey = 0.299 * rgba[at]! + 0.587 * rgba[at + 1]! + 0.114 * rgba[at + 2]!;
      for (let colour = 0; colour < 3; colour += 1) out[at + colour] = (1 - part) * grey + part * ACCENT[colour]!;
      out[at + 3] = 255;
    }
  }
  return { width, height, rgba: out };
}

export function mostPush(steps: readonly StepTrace[]): number {
  return Math.max(
    0,
    ...steps.flatMap(({ push }) => (push ? [push.values.reduce((most, one) => Math.max(most, one), 0)] : [])),
  );
}
