// The start image of a run as Python, and its mask: read from files beside the script, told by their hashes, and
// brought to the picture's size by diffusers' own three ways, as the run did (`image/fitPicture`). The mask is blurred
// as A1111 does (`image/maskBlur`). The pipelines' own crop around a mask lays the image over the rest in any case, and
// the one of Stable Diffusion with PAG refuses it: so the script crops by itself, and puts back what was made.

import type { RecipeSettings } from '../settings/fields';
import { isPart, type Recipe } from './recipe';

const MODES: Readonly<Record<RecipeSettings['startFit'], string>> = { crop: 'crop', fit: 'fill', stretch: 'default' };

export type StartTask = 'Img2Img' | 'Inpaint';

/** The task of the pipeline; null of a run from noise. */
export function taskOf({ start, mask }: Recipe): StartTask | null {
  if (start === undefined) return null;
  return mask === undefined ? 'Img2Img' : 'Inpaint';
}

/** Modules of Python's own. */
export function startModules({ start = '', mask = '' }: Recipe): readonly string[] {
  return isHash(start) || isHash(mask) ? ['hashlib'] : [];
}

export function startImports({ mask, settings: { maskFeather } }: Recipe): readonly string[] {
  return [
    'from diffusers.utils import load_image',
    ...(mask !== undefined && maskFeather > 0 ? ['import numpy as np'] : []),
    'from PIL import Image',
  ];
}

/** Lines that make `start` and `mask` in the run's size; the pipeline stands. Empty lines are none of them. */
export function startLines(recipe: Recipe): readonly string[] {
  const { start = '', mask, settings } = recipe;
  const { startFit, maskFeather, maskPadding } = settings;
  const { width, height } = sizeOfRun(recipe);
  const isCropped = isPart(recipe);
  const mode = isCropped ? MODES.fit : MODES[startFit];
  const fitted = (name: string) =>
    `${name} = pipe.image_processor.resize(${name}, ${height}, ${width}, resize_mode="${mode}")`;
  return [
    ...ON_WHITE,
    ...(mask !== undefined && maskFeather > 0 ? BLURRED : []),
    'start = load_image("start.png", on_white)',
    ...check('start', start),
    ...(mask === undefined
      ? []
      : [
          'mask = load_image("mask.png", lambda picture: picture.convert("L"))',
          ...check('mask', mask),
          ...(maskFeather > 0 ? [`mask = blurred(mask, ${maskFeather})`] : []),
          ...(isCropped
            ? [
                'whole, whole_mask = start, mask',
                `box = pipe.mask_processor.get_crop_region(mask, ${width}, ${height}, pad=${maskPadding})`,
                'start, mask = start.crop(box), mask.crop(box)',
              ]
            : []),
        ]),
    fitted('start'),
    ...(mask === undefined ? [] : [`${fitted('mask')}.convert("L")`]),
  ];
}

/** Lines that put what was made, `image`, back into the start image. */
export function finishLines(recipe: Recipe): readonly string[] {
  const { keepRest } = recipe.settings;
  if (recipe.mask === undefined) return [];
  if (!isPart(recipe)) return keepRest ? ['image = Image.composite(image, start, mask)'] : [];
  return [
    'made = whole.copy()',
    'sides = (box[3] - box[1], box[2] - box[0])',
    'made.paste(pipe.image_processor.resize(image, *sides, resize_mode="crop"), box)',
    keepRest ? 'image = Image.composite(made, whole, whole_mask)' : 'image = made',
  ];
}

/** Arguments of the pipeline in place of width and height. */
export function startArguments(recipe: Recipe): readonly string[] {
  const { width, height } = sizeOfRun(recipe);
  const masked = recipe.mask === undefined ? [] : ['mask_image=mask', `width=${width}`, `height=${height}`];
  return ['image=start', ...masked, `strength=${recipe.settings.strength}`];
}

export function startWarnings({ mask, settings: { pag }, sdxl }: Recipe): readonly string[] {
  return [
    mask === undefined
      ? 'The image that the run began from is in no recipe: put it beside the script as start.png.'
      : 'The image that the run began from and its mask are in no recipe: put them beside the script as start.png ' +
        'and mask.png, white where it is made anew.',
    ...(pag.guidanceRescale > 0 && !sdxl
      ? ['guidance_rescale is left out, which diffusers’ pipelines have from an image on for SDXL alone.']
      : []),
  ];
}

const ON_WHITE = [
  'def on_white(picture):',
  '    white = Image.new("RGBA", picture.size, "white")',
  '    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")',
  '',
];

const BLURRED = [
  'def blurred(mask, sigma):',
  '    radius = int(2.5 * sigma + 0.5)',
  '    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)',
  '    levels = np.asarray(mask, dtype=np.float64)',
  '    for axis in (1, 0):',
  '        sides = [(0, 0), (0, 0)]',
  '        sides[axis] = (radius, radius)',
  '        padded = np.pad(levels, sides, mode="reflect")',
  '        windows = np.lib.stride_tricks.sliding_window_view(padded, len(taps), axis=axis)',
  '        levels = np.rint(windows @ (taps / taps.sum()))',
  '    return Image.fromarray(levels.astype(np.uint8))',
  '',
];

function check(name: 'start' | 'mask', hash: string): readonly string[] {
  if (!isHash(hash)) return [];
  return [
    `pixels = f"{${name}.width} {${name}.height}\\n".encode() + ${name}.tobytes()`,
    `if hashlib.sha256(pixels).hexdigest() != "${hash}":`,
    `    print("${name}.png is not the run's: this will be another picture.")`,
  ];
}

/** Over plain http an image has a name instead. */
function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** What is made around a mask alone is pasted into the start image, whose size the picture has. */
function sizeOfRun(recipe: Recipe): Recipe['size'] {
  return isPart(recipe) ? recipe.settings : recipe.size;
}
