// What the name of a file or repository says of a model that was distilled to a few steps, where its weights cannot:
// they have the keys and shapes of its family. Settings by what their makers publish: SDXL-Turbo (Euler ancestral from
// the last timestep, no CFG), ByteDance's SDXL-Lightning and Hyper-SD (Euler from the last timestep, no CFG; Hyper's
// one-step UNet and DMD2 with LCM's steps), LCM merged into a model.

import type { UsualSettings } from '../settings/fields';
import { USUAL_LCM, USUAL_TURBO } from './usualSettings';

export interface ByName {
  /** "Lightning", or "LCM". */
  readonly kind: string;
  /** What of it Pagoda does otherwise, a sentence; null where it is all the same. */
  readonly note: string | null;
  readonly usual: UsualSettings;
}

const WORD = (word: string) => new RegExp(`(?:^|[^a-z])${word}(?:[^a-z]|$)`);
const OF_LCM: UsualSettings = { ...USUAL_LCM, guidanceScale: 1 };

/** The first that a name says counts: `hyper` alone, so that no hyperrealism is one. */
const KINDS: readonly (readonly [kind: string, named: RegExp, usual: UsualSettings])[] = [
  ['Lightning', WORD('(?:sd|xl)*lightning(?:xl)?'), USUAL_TURBO],
  ['Hyper', WORD('hyper(?:-?sd(?:xl)?|xl)?'), USUAL_TURBO],
  ['DMD2', WORD('dmd'), OF_LCM],
  ['LCM', WORD('lcm'), OF_LCM],
  ['Turbo', WORD('(?:sd|xl)*turbo(?:xl)?'), USUAL_TURBO],
];
const STEPS = /(?:^|\D)(\d{1,2})[-_ ]?steps?(?![a-z])/;
const MOST_STEPS = 16;

const ONE_STEP: Readonly<Record<string, string>> = {
  Lightning: 'Its one-step form predicts the picture itself, which Pagoda does not read: take the one of two steps.',
  Hyper: 'Its maker begins the one step at timestep 800, Pagoda at the last one.',
};

/**
 * null where the names say nothing of it.
 * @param names most telling first: the file's, the repository's.
 * @param usual of its family; its layers stay.
 * @param sdxl whether it is of that family.
 */
export function usualByName(names: readonly string[], usual: UsualSettings, sdxl: boolean): ByName | null {
  for (const name of names.map(inWords)) {
    const [kind, , found] = KINDS.find(([, named]) => named.test(name)) ?? [];
    if (!kind || !found) continue;
    const said = Number(STEPS.exec(name)?.[1] ?? 0);
    const steps = said > 0 && said <= MOST_STEPS ? said : found.steps;
    const own = kind === 'Hyper' && steps === 1 ? OF_LCM : found;
    const scheduler = kind === 'Turbo' && sdxl ? 'euler-a' : own.scheduler;
    const note = steps === 1 ? (ONE_STEP[kind] ?? null) : null;
    return { kind, note, usual: { ...own, steps, scheduler, layers: usual.layers } };
  }
  return null;
}

/** In lower case, with a gap where a capital or several begin a word: `v21TurboDPM` is v21, turbo, dpm. */
function inWords(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase();
}
