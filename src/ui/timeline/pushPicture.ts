// Where PAG pushes, over the picture as it is at that step: the estimate in grey, and the accent colour over it by how
// far the two predictions are apart, the most of the whole run at full strength.

import type { Pixels } from '../../protocol/pictureData';
import type { StepTrace } from '../../protocol/runSteps';

/** sRGB; seen well on grey by people of any colour vision. */
const ACCENT = [255, 94, 20] as const;

/**
 * null where no perturbed row ran; what is not made is grey.
 * @param picture of the estimate with PAG
 * @param most of the run, see `mostPush`
 */
export function pushPicture(
  { width, height, rgba }: Pixels,
  { push, within }: Pick<StepTrace, 'push' | 'within'>,
  most: number,
): Pixels | null {
  if (!push || most === 0) return null;
  const { left, top, right, bottom } = within ?? { left: 0, top: 0, right: 1, bottom: 1 };
  const out = new Uint8ClampedArray(rgba.length);
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor((((y + 0.5) / height - top) / (bottom - top)) * push.height);
    for (let x = 0; x < width; x += 1) {
      const at = 4 * (y * width + x);
      const column = Math.floor((((x + 0.5) / width - left) / (right - left)) * push.width);
      const isMade = row >= 0 && row < push.height && column >= 0 && column < push.width;
      const part = isMade ? (push.values[row * push.width + column]! * push.most) / (255 * most) : 0;
      const grey = 0.299 * rgba[at]! + 0.587 * rgba[at + 1]! + 0.114 * rgba[at + 2]!;
      for (let colour = 0; colour < 3; colour += 1) out[at + colour] = (1 - part) * grey + part * ACCENT[colour]!;
      out[at + 3] = 255;
    }
  }
  return { width, height, rgba: out };
}

export function mostPush(steps: readonly Pick<StepTrace, 'push'>[]): number {
  return Math.max(0, ...steps.map(({ push }) => push?.most ?? 0));
}
