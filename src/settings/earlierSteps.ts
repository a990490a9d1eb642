// A run that changes on the way: prompt, CFG scale, PAG scale and layers as the settings have them hold from a step on,
// and what held before stands in `earlier`. So the controls say what comes of the steps that are still to be made.

import type { EarlierSteps } from '../diffusion/options';
import type { ReadField, Settings } from './fields';
import { asRecord } from './pagOptions';

/** What may change on the way. */
export type Held = Pick<Settings, HeldName>;
type HeldName = Exclude<keyof EarlierSteps, 'until'>;

export const HELD: readonly HeldName[] = ['prompt', 'negativePrompt', 'guidanceScale', 'pagScale', 'layers'];

/** Changes in a run: more than anyone follows. */
const MOST_CHANGES = 8;

/** A fresh list of known fields, or null: a part of it would be another run. */
export function readEarlier(
  value: unknown,
  readField: (name: HeldName | 'steps', given: unknown) => ReadField<unknown>,
): readonly EarlierSteps[] | null {
  if (!Array.isArray(value) || value.length > MOST_CHANGES) return null;
  const list: EarlierSteps[] = [];
  for (const one of value.map(asRecord)) {
    const { until } = one;
    const held = HELD.map((name) => [name, readField(name, one[name]).value] as const);
    if (typeof until !== 'number' || readField('steps', until).value === null) return null;
    if (until <= (list.at(-1)?.until ?? 0) || held.some(([, read]) => read === null)) return null;
    list.push({ until, ...(Object.fromEntries(held) as unknown as Held) });
  }
  return list;
}

/** What holds, run by run of steps: the last is the settings' own. */
export function phasesOf(settings: Held & Pick<Settings, 'earlier'>): readonly Held[] {
  return [...settings.earlier, settings].map(heldOf);
}

/**
 * Settings of a run that is `made`'s up to a step, from 0, and from there on has what `now` holds.
 * @param step 0: nothing of it is kept
 */
export function fromStepOn(made: Settings, step: number, now: Held): Settings {
  const before = made.earlier.filter(({ until }) => until < step);
  const cutShort = made.earlier.find(({ until }) => until >= step) ?? made;
  const earlier = step === 0 ? [] : [...before, { until: step, ...heldOf(cutShort) }];
  return { ...made, ...heldOf(now), earlier };
}

/** Without the last change: what held before it holds to the end. */
export function withoutLastChange(settings: Settings): Settings {
  const last = settings.earlier.at(-1);
  return last ? { ...settings, ...heldOf(last), earlier: settings.earlier.slice(0, -1) } : settings;
}

export interface Change {
  /** From 0. */
  readonly from: number;
  /** What is other than before, as it is from there on. */
  readonly held: Partial<Held>;
}

/** In order. */
export function changesOf(settings: Held & Pick<Settings, 'earlier'>): readonly Change[] {
  const phases = phasesOf(settings);
  return settings.earlier.map(({ until }, at) => {
    const [before, after] = [phases[at]!, phases[at + 1]!];
    const other = HELD.filter((name) => before[name] !== after[name]).map((name) => [name, after[name]]);
    return { from: until, held: Object.fromEntries(other) as Partial<Held> };
  });
}

function heldOf(from: Held): Held {
  return Object.fromEntries(HELD.map((name) => [name, from[name]])) as unknown as Held;
}
