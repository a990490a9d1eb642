// The settings slice: what the next run will be made of, kept in localStorage through zustand's persist. Read back
// field by field, so that old or damaged data never costs more than the field it is in. Written field by field as well,
// only what was changed: several tabs each keep what they show, and a reload has the newest of each field.

import type { PersistOptions, StorageValue } from 'zustand/middleware';
import { GENERAL_IDEAS, POCKET } from '../models/catalog';
import { INITIAL, SETTING_NAMES, readField, type Settings } from '../settings/fields';
import { asRecord, readPag } from '../settings/pagOptions';
import { read, write } from './browser';

export const DEFAULTS: Settings = { ...INITIAL, ...POCKET.usual, prompt: POCKET.prompt };

/** Prompts to click, that the chosen model knows. */
export function ideasFor(isBuiltIn: boolean): readonly string[] {
  return isBuiltIn ? POCKET.ideas : GENERAL_IDEAS;
}

/** Of how fields are stored: 0 had Karras' spacing as a flag. */
const VERSION = 1;

interface Kept {
  readonly settings: Settings;
}

/** The fields and `version` lie side by side under `name`. */
export function settingsPersistence<S extends Kept>(): PersistOptions<S, Kept> {
  return {
    name: 'pagoda.settings',
    version: VERSION,
    partialize: ({ settings }) => ({ settings }),
    merge: (kept, now) => ({ ...now, settings: readSettings(asRecord(kept)['settings']) }),
    migrate: (kept) => ({ settings: withoutKarrasFlag(asRecord(asRecord(kept)['settings'])) as unknown as Settings }),
    storage: fieldByField(),
  };
}

/** Settings from anything that was stored; what is missing or wrong takes its default. */
export function readSettings(stored: unknown): Settings {
  const from = asRecord(stored);
  return Object.fromEntries(
    SETTING_NAMES.map((name) => [name, readField(name, from[name]).nearest ?? DEFAULTS[name]]),
  ) as unknown as Settings;
}

function withoutKarrasFlag({ karras, ...fields }: Record<string, unknown>): Record<string, unknown> {
  return karras === true && readField('sigmas', fields['sigmas']).value === null
    ? { ...fields, sigmas: 'karras' }
    : fields;
}

function fieldByField(): NonNullable<PersistOptions<Kept, Kept>['storage']> {
  /** As this tab has read or written them last. */
  let known = DEFAULTS;
  return {
    getItem: (key) => {
      const { version, ...fields } = stored(key);
      known = readSettings(withoutKarrasFlag(fields));
      return { state: { settings: fields as unknown as Settings }, version: typeof version === 'number' ? version : 0 };
    },
    setItem: (key, { state: { settings } }: StorageValue<Kept>) => {
      if (settings === known) return;
      const before = known;
      known = settings;
      const changes = changed(before, settings);
      const kept = stored(key);
      if (Object.keys(changes).length === 0 && kept['version'] === VERSION) return;
      // Guidance options are told apart one by one too, where there is a whole set to put them into.
      const pag = changes.pag && { ...(readPag(kept['pag']) ?? before.pag), ...changed(before.pag, settings.pag) };
      write(key, JSON.stringify({ ...withoutKarrasFlag(kept), ...changes, ...(pag && { pag }), version: VERSION }));
    },
    removeItem: (key) => write(key, null),
  };
}

/** The fields in which they differ, as `after` has them. */
function changed<T extends object>(before: T, after: T): Partial<T> {
  const keys = (Object.keys(after) as (keyof T)[]).filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
  return Object.fromEntries(keys.map((key) => [key, after[key]])) as Partial<T>;
}

function stored(key: string): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(read(key) ?? '{}'));
  } catch {
    return {};
  }
}
