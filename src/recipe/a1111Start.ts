// What A1111's infotext says of a start image and its mask, written and read. Neither image is in it, nor the resize
// mode; `Init image hash` and `Mask hash` are Pagoda's own SHA-256 in texts of its own.

import { stepsRun } from '../diffusion/runPlan';
import type { SchedulerId } from '../diffusion/schedulers';
import { FIELDS, type RecipeSettings } from '../settings/fields';
import type { NumberRule } from '../settings/numbers';
import type { Recipe } from './recipe';
import { a1111Denoising, a1111StepsRun, strengthOf } from './strengths';

const RESIZE_MODES: Readonly<Record<RecipeSettings['startFit'], string>> = {
  crop: 'Crop and resize',
  fit: 'Resize and fill',
  stretch: 'Just resize',
};

/** Nothing where the run began from noise. */
export function startPairs({ start, mask, settings }: Recipe): Readonly<Record<string, string | number>> {
  if (start === undefined) return {};
  const { steps, strength, scheduler, maskFeather, maskArea, maskPadding } = settings;
  const run = stepsRun(steps, { strength });
  return {
    'Denoising strength': a1111Denoising(run, steps, scheduler) ?? strength,
    'Init image hash': start,
    ...(mask !== undefined && {
      'Mask hash': mask,
      'Mask blur': maskFeather,
      ...(maskArea === 'masked' && { 'Inpaint area': 'Only masked', 'Masked area padding': maskPadding }),
    }),
  };
}

export function startWarnings({ start, mask, settings }: Recipe): readonly string[] {
  if (start === undefined) return [];
  const { steps, strength, scheduler, startFit, keepRest } = settings;
  const run = stepsRun(steps, { strength });
  const denoising = a1111Denoising(run, steps, scheduler);
  const [go, them] = mask === undefined ? [' goes', 'it'] : [' and its mask go', 'them'];
  return [
    `The start image${go} along with no text: give ${them} to A1111’s img2img, ` +
      `with the resize mode “${RESIZE_MODES[startFit]}”.`,
    ...(denoising === null
      ? [`A1111 cannot begin this run’s ${run} of ${steps} steps from an image: it runs one less.`]
      : denoising === strength
        ? []
        : [
            `A1111 counts steps otherwise: with a denoising strength of ${denoising} it runs ${run} of ${steps}, ` +
              'as here.',
          ]),
    'A1111 draws the sample of the encoder elsewhere, this run before its noise: the noise is another one, and so is ' +
      'the picture.',
    ...(mask !== undefined && !keepRest
      ? ['A1111 always lays the image’s own pixels over what is not masked; this run did not.']
      : []),
    ...(mask !== undefined
      ? ['A1111 blends what is kept without noise, this run with it: under the mask the picture is a little different.']
      : []),
  ];
}

interface Given {
  /** Takes a value out of the text. */
  readonly take: (key: string) => string | undefined;
  /** A number of the text, in range; null where there is none. */
  readonly number: (key: string, rule: NumberRule) => number | null;
  /** Says why what a key says is not taken, or how. */
  readonly refuse: (key: string, why: string) => void;
  /** Pagoda wrote it. */
  readonly isOwn: boolean;
  /** Of a second pass over a picture that began from noise. */
  readonly isHires: boolean;
  readonly steps: number | undefined;
  readonly scheduler: SchedulerId | undefined;
}

/** What is said of a start image, whose hash is '' where that is not known. */
export interface StartRead {
  readonly settings: Partial<RecipeSettings>;
  readonly start?: string;
  readonly mask?: string;
}

export function readStart({ take, number, refuse, isOwn, isHires, steps, scheduler }: Given): StartRead {
  const denoising = number('Denoising strength', FIELDS.strength);
  if (denoising === null) return { settings: {} };
  if (isHires) {
    refuse('Denoising strength', 'It is of the second pass, which Pagoda has not.');
    return { settings: {} };
  }
  const run = steps === undefined ? null : a1111StepsRun(denoising, steps, scheduler);
  const strength = steps === undefined || run === null ? denoising : strengthOf(Math.min(run, steps), steps);
  if (!isOwn) {
    const counted = strength === denoising ? '' : `as ${strength}, which runs the same ${run} of ${steps} steps, `;
    refuse(
      'Denoising strength',
      `It was taken, ${counted}but A1111 draws its noise otherwise from an image on: the picture is another one.`,
    );
  }
  const settings: { -readonly [K in keyof RecipeSettings]?: RecipeSettings[K] } = { strength };
  const hash = (key: string) => (isOwn ? (take(key) ?? '') : '');
  const [start, own] = [hash('Init image hash'), hash('Mask hash')];
  const feather = number('Mask blur', FIELDS.maskFeather);
  const [mode, content, area] = [take('Mask mode'), take('Masked content'), take('Inpaint area')];
  const isMasked = [feather, mode, content, area].some((said) => said !== null && said !== undefined);
  if (!isMasked && own === '') return { settings, start };
  // The blurred mask lays the image's own pixels over the rest there, and a blur of 0 is not written.
  Object.assign(settings, { maskFeather: feather ?? 0, keepRest: true, maskArea: 'whole' });
  if (area?.toLowerCase() === 'only masked') {
    settings.maskArea = 'masked';
    settings.maskPadding = number('Masked area padding', FIELDS.maskPadding) ?? 0;
  } else if (area !== undefined) refuse('Inpaint area', 'Pagoda has none of this name: the whole picture is made.');
  if (mode?.toLowerCase() === 'inpaint not masked')
    refuse('Mask mode', 'What was not painted was made anew there: invert the mask.');
  else if (mode !== undefined) refuse('Mask mode', 'Pagoda has none of this name.');
  if (content !== undefined && content.toLowerCase() !== 'original')
    refuse('Masked content', 'Under the mask Pagoda begins from the image itself.');
  return { settings, start, mask: own };
}
