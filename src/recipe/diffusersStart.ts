// The start image of a run as Python: read from a file beside the script, laid on white where it is transparent, told
// by its hash, and brought to the picture's size by diffusers' own three ways, as the run did (`image/fitPicture`).

import type { RecipeSettings } from '../settings/fields';
import type { Recipe } from './recipe';

const FILE = 'start.png';
const MODES: Readonly<Record<RecipeSettings['startFit'], string>> = { crop: 'crop', fit: 'fill', stretch: 'default' };

export const START_IMPORTS = ['from diffusers.utils import load_image', 'from PIL import Image'];

/** Lines that make `start`; the pipeline stands. Empty lines are none of them. */
export function startLines({ start = '', size: { width, height }, settings: { startFit } }: Recipe): readonly string[] {
  return [
    'def on_white(picture):',
    '    white = Image.new("RGBA", picture.size, "white")',
    '    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")',
    '',
    `start = load_image("${FILE}", on_white)`,
    ...(isHash(start)
      ? [
          'pixels = f"{start.width} {start.height}\\n".encode() + start.tobytes()',
          `if hashlib.sha256(pixels).hexdigest() != "${start}":`,
          `    print("${FILE} is not the image that the run began from: this will be another picture.")`,
        ]
      : []),
    `start = pipe.image_processor.resize(start, ${height}, ${width}, resize_mode="${MODES[startFit]}")`,
  ];
}

/** Over plain http a start image has a name instead. */
export function isHash(start: string): boolean {
  return /^[0-9a-f]{64}$/.test(start);
}

/** Arguments in place of width and height. */
export function startArguments({ settings: { strength } }: Recipe): readonly string[] {
  return ['image=start', `strength=${strength}`];
}

export function startWarnings({ settings: { pag }, sdxl }: Recipe): readonly string[] {
  return [
    `The image that the run began from is in no recipe: put it beside the script as ${FILE}.`,
    ...(pag.guidanceRescale > 0 && !sdxl
      ? ['guidance_rescale is left out, which diffusers’ image-to-image pipeline has for SDXL alone.']
      : []),
  ];
}
