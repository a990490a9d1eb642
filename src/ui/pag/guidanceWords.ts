// What guidance computes, in words and with the settings' own numbers: the sum, the predictions in it, and what they
// cost. A UNet with the CFG scale as an input (LCM) guides by itself: no unconditional prediction is run.

import type { Settings } from '../../settings/fields';
import { rowGuidance } from '../../store/drawnUnet';

type Scales = Pick<Settings, 'guidanceScale' | 'pagScale'>;

/** "ε̃ = ε_uncond + 3·(ε_cond − ε_uncond) + 2·(ε_cond − ε_perturbed)". */
export function sumText({ guidanceScale, pagScale }: Scales, embedded: boolean): string {
  const cond = embedded && guidanceScale > 1 ? `ε_cond(${guidanceScale})` : 'ε_cond';
  const guided = rowGuidance(guidanceScale, embedded) > 1 ? `ε_uncond + ${guidanceScale}·(ε_cond − ε_uncond)` : cond;
  return `ε̃ = ${guided}${pagScale > 0 ? ` + ${pagScale}·(${cond} − ε_perturbed)` : ''}`;
}

export function predictionsText({ guidanceScale, pagScale }: Scales, embedded: boolean): string {
  const uncond = rowGuidance(guidanceScale, embedded) > 1 ? ', without it (uncond)' : '';
  const input = embedded
    ? `, with the CFG scale ${guidanceScale} as one of its inputs and so no second prediction without it`
    : '';
  const perturbed =
    pagScale > 0
      ? ', and once more with the chosen self-attentions returning their values unmixed (perturbed). ' +
        'That last prediction has lost its structure; steering away from it gives structure back.'
      : '. PAG is off.';
  return `At each step the UNet predicts the noise with the prompt (cond)${input}${uncond}${perturbed}`;
}

/**
 * What PAG costs with a choice of layers.
 * @param share part of a forward that the perturbed row runs for itself; null where it is not known.
 */
export function costText(
  perturbed: number,
  all: number,
  share: number | null,
  guidanceScale: number,
  embedded: boolean,
): string {
  const what = `${perturbed} of ${all} self-attentions perturbed.`;
  if (share === null) return what;
  const guided = rowGuidance(guidanceScale, embedded) > 1;
  const forwards = (guided ? 2 : 1) + share;
  return (
    `${what} The perturbed row runs ${Math.round(100 * share)} % of a forward for itself: ` +
    `${guided ? 'CFG and PAG cost' : 'PAG costs'} ${forwards.toFixed(2)} forwards a step.`
  );
}
