// A model brings its usual settings. What still equals what the last model brought gives way to the next one's; what
// the visitor set stays. What was brought is remembered over a reload, so that a value of theirs is never taken for a
// model's only because they are equal.

import { USUAL_NAMES, type Settings, type UsualSettings } from '../settings/fields';

type Key = keyof UsualSettings;
type Some = Partial<Pick<Settings, Key>>;

/** What a switch of models did to the settings. */
export interface Brought {
  /** Name of the model. */
  readonly model: string;
  readonly set: Some;
  /** What stood there before. */
  readonly before: Some;
  /** Where the visitor's own stayed: what the model would have. */
  readonly kept: Some;
}

export interface Switch {
  /** To be changed in the settings. */
  readonly changes: Some;
  /** What is the model's from now on. */
  readonly fromModel: Some;
  /** null where all is as the model has it. */
  readonly brought: Brought | null;
}

/** @param fromModel what the last model brought, as far as it was not changed before an earlier switch. */
export function switchUsual(settings: Settings, fromModel: Some, model: string, usual: UsualSettings): Switch {
  const isModels = (key: Key) => settings[key] === fromModel[key];
  const differs = USUAL_NAMES.filter((key) => settings[key] !== usual[key]);
  const changed = differs.filter(isModels);
  const own = differs.filter((key) => !isModels(key));
  return {
    changes: pick(usual, changed),
    // An equal value of the visitor's stays theirs.
    fromModel: pick(usual, USUAL_NAMES.filter(isModels)),
    brought:
      differs.length === 0
        ? null
        : { model, set: pick(usual, changed), before: pick(settings, changed), kept: pick(usual, own) },
  };
}

/** What stood there before, where it was not changed again since. */
export function putBack(settings: Settings, { set, before }: Brought): Some {
  return pick(
    before,
    USUAL_NAMES.filter((key) => key in set && settings[key] === set[key]),
  );
}

/** Without those that were put back: they are the visitor's now. */
export function without(some: Some, taken: Some): Some {
  return pick(
    some,
    USUAL_NAMES.filter((key) => key in some && !(key in taken)),
  );
}

/** What was stored, field by field; `otherwise` where nothing was. */
export function readFromModel(stored: string | null, otherwise: UsualSettings): Some {
  try {
    const from = JSON.parse(stored ?? 'null') as unknown;
    if (typeof from !== 'object' || from === null) return otherwise;
    const known = USUAL_NAMES.filter((key) =>
      ['string', 'number'].includes(typeof (from as Record<string, unknown>)[key]),
    );
    return pick(from, known);
  } catch {
    return otherwise;
  }
}

function pick(from: Some, keys: readonly Key[]): Some {
  return Object.fromEntries(keys.map((key) => [key, from[key]]));
}
