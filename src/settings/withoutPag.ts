// What the image without PAG is made of. Two runs that have the same of it, and the same model, LoRA and device, make
// the same image: it need not be made again where only the rest was changed. A new setting is a part of it unless its
// row in `fields` says otherwise.

import { FIELDS, SETTING_NAMES, type Settings } from './fields';

/** As a text, to be compared. */
export function withoutPag(settings: Settings): string {
  const names = SETTING_NAMES.filter((name) => !FIELDS[name].ofPag);
  // φ rescales the guided prediction of either image.
  return JSON.stringify([...names.map((name) => settings[name]), settings.pag.guidanceRescale]);
}
