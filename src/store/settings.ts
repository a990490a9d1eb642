// The settings slice: what the next run will be made of. Kept in localStorage and read back field by field, so
// that old or damaged data never costs more than the field it is in. Written field by field as well, only what was
// changed: several tabs each keep what they show, and a reload has the newest of each field.

import { PLAIN_PAG, type SchedulerId, type SigmaSpacing, type TimestepSpacing } from '../diffusion/options';
import { GENERAL_IDEAS, POCKET } from '../models/catalog';
import type { Settings } from '../protocol/messages';
import { boundedText } from '../recipe/boundedText';
import { MAX_LAYERS, MAX_PROMPT, readPag } from '../recipe/recipe';
import { read, write } from './browserStorage';
import { RULES, correctValue } from './numbers';

export const SCHEDULERS: Readonly<Record<SchedulerId, string>> = {
  ddim: 'DDIM',
  ddpm: 'DDPM',
  euler: 'Euler',
  'euler-a': 'Euler ancestral',
  heun: 'Heun (two passes a step)',
  'dpmpp-2m': 'DPM++ 2M',
  'dpmpp-2m-sde': 'DPM++ 2M SDE',
  'dpmpp-sde': 'DPM++ SDE (two passes a step)',
  lms: 'LMS',
  pndm: 'PLMS (PNDM)',
  unipc: 'UniPC',
  lcm: 'LCM',
};

export const SIGMAS: Readonly<Record<SigmaSpacing, string>> = {
  model: 'As the model says',
  karras: 'Karras',
  exponential: 'Exponential',
  'sgm-uniform': 'SGM uniform',
  beta: 'Beta',
};

export const SPACINGS: Readonly<Record<TimestepSpacing, string>> = {
  model: 'As the model says',
  linspace: 'Linspace',
  leading: 'Leading',
  trailing: 'Trailing',
  turbo: 'Turbo (ten steps at most)',
};

export const DEFAULTS: Settings = {
  ...POCKET.usual,
  prompt: POCKET.prompt,
  negativePrompt: '',
  seed: 7,
  pag: PLAIN_PAG,
  compare: true,
  backend: 'auto',
};

/** Prompts to click, that the chosen model knows. */
export function ideasFor(isBuiltIn: boolean): readonly string[] {
  return isBuiltIn ? POCKET.ideas : GENERAL_IDEAS;
}

export { boundedText };

const KEY = 'pagoda.settings';

/** Letters that a text may have, as recipes allow them. */
export const MAX_LETTERS = { prompt: MAX_PROMPT, negativePrompt: MAX_PROMPT, layers: MAX_LAYERS } as const;

/** Settings from anything that was stored; what is missing or wrong takes its default. */
export function readSettings(stored: unknown): Settings {
  const from = (typeof stored === 'object' && stored !== null ? stored : {}) as Record<string, unknown>;
  const text = (key: 'prompt' | 'negativePrompt' | 'layers') => {
    const value = from[key];
    return typeof value === 'string' ? boundedText(value, MAX_LETTERS[key]).text : DEFAULTS[key];
  };
  const number = (key: keyof typeof RULES) => {
    const value = from[key];
    return typeof value === 'number' && !Number.isNaN(value) ? correctValue(value, RULES[key]).value : DEFAULTS[key];
  };
  const choice = <T extends string>(key: string, choices: Readonly<Record<T, string>>): T | null => {
    const value = from[key];
    return typeof value === 'string' && Object.hasOwn(choices, value) ? (value as T) : null;
  };
  const compare = from['compare'];
  return {
    prompt: text('prompt'),
    negativePrompt: text('negativePrompt'),
    layers: text('layers'),
    seed: number('seed'),
    steps: number('steps'),
    guidanceScale: number('guidanceScale'),
    pagScale: number('pagScale'),
    pag: readPag(from['pag']) ?? DEFAULTS.pag,
    scheduler: choice('scheduler', SCHEDULERS) ?? DEFAULTS.scheduler,
    // Karras' spacing was once stored as a flag.
    sigmas: choice('sigmas', SIGMAS) ?? (from['karras'] === true ? 'karras' : DEFAULTS.sigmas),
    spacing: choice('spacing', SPACINGS) ?? DEFAULTS.spacing,
    compare: typeof compare === 'boolean' ? compare : DEFAULTS.compare,
    backend: from['backend'] === 'wasm' ? 'wasm' : 'auto',
  };
}

export function loadSettings(): Settings {
  return readSettings(stored());
}

/** Writes what differs, into what other tabs have written since. */
export function saveChanges(before: Settings, after: Settings): void {
  const changes = changed(before, after);
  if (Object.keys(changes).length === 0) return;
  const kept = stored();
  // Guidance options are told apart one by one too, where there is a whole set to put them into.
  const pag = changes.pag && { ...(readPag(kept['pag']) ?? before.pag), ...changed(before.pag, after.pag) };
  write(KEY, JSON.stringify({ ...kept, ...changes, ...(pag && { pag }) }));
}

/** The fields in which they differ, as `after` has them. */
function changed<T extends object>(before: T, after: T): Partial<T> {
  const keys = (Object.keys(after) as (keyof T)[]).filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
  return Object.fromEntries(keys.map((key) => [key, after[key]])) as Partial<T>;
}

function stored(): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(read(KEY) ?? '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}
