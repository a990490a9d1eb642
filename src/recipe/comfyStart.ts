// The latents that a ComfyUI workflow begins with: empty ones, or a start image's. The image is scaled by Pillow's
// LANCZOS there too, and encoded. A run draws the encoder's sample before its noise, both from its seed; ComfyUI takes
// the encoder's mean, and noise in the order of a batch: the second of two has the second draw, which is the run's.

import { stepsRun } from '../diffusion/runPlan';
import type { RecipeSettings } from '../settings/fields';
import type { ComfyInput, ComfyWorkflow } from './comfyWorkflow';
import { isPart, type Recipe } from './recipe';

/** ImageScale's `crop`; it has none that keeps the whole image. */
const CROPS: Readonly<Record<RecipeSettings['startFit'], string>> = {
  crop: 'center',
  fit: 'center',
  stretch: 'disabled',
};
/** What ImageBlur takes at most, and the radius of its kernel for σ: A1111's, as the run's. */
const MOST_BLUR = 10;
const radiusOf = (sigma: number) => Math.max(1, Math.floor(2.5 * sigma + 0.5));

/** Node 4 gives the latents. */
export function latentNodes(recipe: Recipe, vae: ComfyInput): ComfyWorkflow {
  const { start, mask, size, settings } = recipe;
  const { width, height } = isPart(recipe) ? settings : size;
  if (start === undefined) return { '4': { class_type: 'EmptyLatentImage', inputs: { width, height, batch_size: 1 } } };
  const scale = { upscale_method: 'lanczos', width, height, crop: CROPS[settings.startFit] };
  return {
    '15': { class_type: 'LoadImage', inputs: { image: 'start.png' } },
    '16': { class_type: 'ImageScale', inputs: { image: ['15', 0], ...scale } },
    '17': { class_type: 'VAEEncode', inputs: { pixels: ['16', 0], vae } },
    '18': { class_type: 'RepeatLatentBatch', inputs: { samples: ['17', 0], amount: 2 } },
    '4': {
      class_type: 'LatentFromBatch',
      inputs: { samples: [mask === undefined ? '18' : '204', 0], batch_index: 1, length: 1 },
    },
    ...(mask !== undefined && maskNodes(settings.maskFeather, scale)),
  };
}

/** Node 203 gives the mask in the picture's size, 204 the latents with it. */
function maskNodes(feather: number, scale: Readonly<Record<string, ComfyInput>>): ComfyWorkflow {
  const sigma = Math.min(feather, MOST_BLUR);
  const blurred: ComfyInput = feather > 0 ? ['205', 0] : ['201', 0];
  return {
    '200': { class_type: 'LoadImageMask', inputs: { image: 'mask.png', channel: 'red' } },
    '201': { class_type: 'MaskToImage', inputs: { mask: ['200', 0] } },
    ...(feather > 0 && {
      '205': { class_type: 'ImageBlur', inputs: { image: ['201', 0], blur_radius: radiusOf(sigma), sigma } },
    }),
    '202': { class_type: 'ImageScale', inputs: { image: blurred, ...scale } },
    '203': { class_type: 'ImageToMask', inputs: { image: ['202', 0], channel: 'red' } },
    '204': { class_type: 'SetLatentNoiseMask', inputs: { samples: ['18', 0], mask: ['203', 0] } },
  };
}

/** What is saved: the decoded picture, with the start image's own pixels laid over what is kept. */
export function keptNodes({ start, mask, settings }: Recipe): {
  readonly nodes: ComfyWorkflow;
  readonly image: string;
} {
  if (start === undefined || mask === undefined || !settings.keepRest) return { nodes: {}, image: '7' };
  const inputs = {
    destination: ['16', 0],
    source: ['7', 0],
    x: 0,
    y: 0,
    resize_source: false,
    mask: ['203', 0],
  } as const;
  return { nodes: { '206': { class_type: 'ImageCompositeMasked', inputs } }, image: '206' };
}

export function startWarnings(recipe: Recipe): readonly string[] {
  const { start, mask, settings } = recipe;
  const { startFit, strength, steps, maskFeather } = settings;
  if (start === undefined) return [];
  return [
    mask === undefined
      ? 'The start image is in no workflow: put it into ComfyUI’s input folder as start.png.'
      : 'The start image and its mask are in no workflow: put them into ComfyUI’s input folder as start.png and ' +
        'mask.png, white where it is made anew.',
    'ComfyUI takes the mean of what the encoder gives, this run a sample of it: the picture is a little different.',
    ...(startFit === 'fit'
      ? ['ComfyUI has no node that draws an image’s edges out: one of another shape is cut instead.']
      : startFit === 'crop'
        ? ['ComfyUI cuts an image of another shape before it scales it, this run after: it lies a little otherwise.']
        : []),
    ...(stepsRun(steps, { strength }) === steps ? ['With all steps ComfyUI begins with a little more noise.'] : []),
    ...(mask === undefined ? [] : ['ComfyUI’s mask is soft at its edge, this run’s is not: the edge is another one.']),
    ...(mask !== undefined && maskFeather > MOST_BLUR
      ? [`ImageBlur blurs by ${MOST_BLUR} at most, this run’s mask was blurred by ${maskFeather}.`]
      : []),
    ...(isPart(recipe)
      ? ['ComfyUI has no nodes for “Only masked”: crop image and mask around it before, and paste the result back.']
      : []),
  ];
}
