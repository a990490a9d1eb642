// A recipe: everything that made a picture, as one plain object of JSON values. `parseRecipe` takes anything back:
// each field is checked by itself, so that one bad value costs that field alone and is named.

import type { SchedulerConfig } from '../diffusion/types';
import type {
  PagOptions,
  PagRescale,
  PagWindow,
  SchedulerId,
  SigmaSpacing,
  TimestepSpacing,
} from '../diffusion/options';

/** What a run is made of, without what belongs to a visitor's machine. Ranges are those of `parseRecipe`. */
export interface RecipeSettings {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly seed: number;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly pagScale: number;
  readonly layers: string;
  readonly scheduler: SchedulerId;
  readonly sigmas: SigmaSpacing;
  readonly spacing: TimestepSpacing;
  readonly pag: PagOptions;
}

export interface Recipe {
  readonly format: 'pagoda';
  readonly formatVersion: 1;
  readonly appVersion: string;
  readonly model: { readonly id: string; readonly revision: string | null };
  readonly settings: RecipeSettings;
  /** Pixels. */
  readonly size: { readonly width: number; readonly height: number };
  /** The perturbed sites that `layers` stood for, in both notations; other systems need them spelt out. */
  readonly sites: readonly { readonly name: string; readonly comfyName: string }[];
  readonly backend: 'webgpu' | 'wasm';
  readonly adapter: string;
  /** The model's, for which `model` stands in `settings`. */
  readonly scheduler?: SchedulerConfig;
  /** The CFG scale is an input of the UNet, which guides by itself. */
  readonly guidanceEmbedded?: boolean;
  /** Of libraries that computed, by package name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What could not be taken over, for people. */
export interface NotRestored {
  readonly name: string;
  readonly value: string;
  readonly why: string;
}

export interface Restored {
  readonly settings: Partial<RecipeSettings>;
  readonly model: Recipe['model'] | null;
  readonly notRestored: readonly NotRestored[];
}

export const MAX_PROMPT = 2000;
export const MAX_LAYERS = 4096;

/** Whole numbers are marked; `pagScale` has ComfyUI's range. */
export const RANGES = {
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true },
  steps: { min: 1, max: 150, whole: true },
  guidanceScale: { min: 1, max: 30, whole: false },
  pagScale: { min: 0, max: 100, whole: false },
} as const;

const SCHEDULERS: readonly SchedulerId[] = [
  'ddim',
  'ddpm',
  'euler',
  'euler-a',
  'heun',
  'dpmpp-2m',
  'dpmpp-2m-sde',
  'dpmpp-sde',
  'lms',
  'pndm',
  'unipc',
  'lcm',
];
const SIGMAS: readonly SigmaSpacing[] = ['model', 'karras', 'exponential', 'sgm-uniform', 'beta'];
const SPACINGS: readonly TimestepSpacing[] = ['model', 'linspace', 'leading', 'trailing', 'turbo'];

export function makeRecipe(parts: Omit<Recipe, 'format' | 'formatVersion'>): Recipe {
  const { prompt, negativePrompt, seed, steps, guidanceScale, pagScale, layers, scheduler, sigmas, spacing, pag } =
    parts.settings;
  // Field by field: the caller's settings may carry more than belongs in a file that people share.
  const settings = {
    prompt,
    negativePrompt,
    seed,
    steps,
    guidanceScale,
    pagScale,
    layers,
    scheduler,
    sigmas,
    spacing,
    pag,
  };
  return { format: 'pagoda', formatVersion: 1, ...parts, settings };
}

/** Settings from anything. Throws nothing; what is missing is left out, what is wrong is in `notRestored`. */
export function parseRecipe(value: unknown): Restored {
  const recipe = asRecord(value);
  const from = asRecord(recipe['settings']);
  const notRestored: NotRestored[] = [];
  if (recipe['format'] !== 'pagoda')
    notRestored.push(refusal('format', recipe['format'], 'This is not a recipe of Pagoda.'));
  else if (recipe['formatVersion'] !== 1)
    notRestored.push(refusal('formatVersion', recipe['formatVersion'], 'This version of the format is not known.'));
  if (notRestored.length > 0) return { settings: {}, model: null, notRestored };

  const settings: Record<string, unknown> = {};
  const take = (key: keyof RecipeSettings, isRight: (value: unknown) => boolean, why: string) => {
    const given = from[key];
    if (given === undefined) return;
    if (isRight(given)) settings[key] = given;
    else notRestored.push(refusal(key, given, why));
  };
  for (const key of ['prompt', 'negativePrompt'] as const) {
    take(
      key,
      (text) => typeof text === 'string' && text.length <= MAX_PROMPT,
      `A text of up to ${MAX_PROMPT} letters is needed.`,
    );
  }
  take(
    'layers',
    (text) => typeof text === 'string' && text.length <= MAX_LAYERS,
    `A text of up to ${MAX_LAYERS} letters is needed.`,
  );
  for (const [key, range] of Object.entries(RANGES)) {
    take(key as keyof typeof RANGES, (number) => isNumber(number, range), rangeText(range));
  }
  for (const [key, choices] of Object.entries({ scheduler: SCHEDULERS, sigmas: SIGMAS, spacing: SPACINGS })) {
    take(
      key as keyof RecipeSettings,
      (choice) => (choices as readonly unknown[]).includes(choice),
      `It is not one of ${choices.join(', ')}.`,
    );
  }
  if (from['pag'] !== undefined) {
    const pag = readPag(from['pag']);
    if (pag) settings['pag'] = pag;
    else notRestored.push(refusal('pag', from['pag'], 'These guidance options are incomplete or out of range.'));
  }
  return { settings, model: readModel(asRecord(recipe['model'])), notRestored };
}

export function refusal(name: string, value: unknown, why: string): NotRestored {
  const text = typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value);
  return { name: name.slice(0, 80), value: text.length > 120 ? `${text.slice(0, 120)}…` : text, why };
}

export function isNumber(value: unknown, range: { min: number; max: number; whole?: boolean }): value is number {
  return (
    typeof value === 'number' && value >= range.min && value <= range.max && (!range.whole || Number.isInteger(value))
  );
}

export function rangeText(range: { min: number; max: number; whole?: boolean }): string {
  return `A ${range.whole ? 'whole ' : ''}number from ${range.min} to ${range.max} is needed.`;
}

function readModel({ id, revision }: Record<string, unknown>): Recipe['model'] | null {
  const isName = (name: unknown): name is string => typeof name === 'string' && name !== '' && name.length <= 200;
  return isName(id) ? { id, revision: isName(revision) ? revision : null } : null;
}

/** A fresh object of known fields, or null: half of these options would be another formula. */
export function readPag(value: unknown): PagOptions | null {
  const from = asRecord(value);
  const adaptive = asRecord(from['adaptive']);
  const window = readWindow(asRecord(from['window']));
  const rescale = readRescale(asRecord(from['rescale']));
  const { semantics, amount } = adaptive as { semantics?: unknown; amount?: unknown };
  const { attenuation, guidanceRescale, identity } = from as {
    attenuation?: unknown;
    guidanceRescale?: unknown;
    identity?: unknown;
  };
  const sites = Object.entries(asRecord(from['siteIdentity']));
  const unit = { min: 0, max: 1 };
  if (semantics !== 'diffusers' && semantics !== 'pamparamm') return null;
  if (!window || !rescale || !isNumber(amount, unit) || !isNumber(attenuation, { min: 0, max: 100 })) return null;
  if (!isNumber(guidanceRescale, unit) || !isNumber(identity, unit)) return null;
  if (sites.length > 512 || !sites.every(([name, u]) => /^[\w.]{1,120}$/.test(name) && isNumber(u, unit))) return null;
  const siteIdentity = Object.fromEntries(sites) as Record<string, number>;
  return { adaptive: { semantics, amount }, window, attenuation, rescale, guidanceRescale, identity, siteIdentity };
}

function readWindow({ semantics, start, stop }: Record<string, unknown>): PagWindow | null {
  if (semantics === 'always') return { semantics };
  if (semantics !== 'sigma' && semantics !== 'guider' && semantics !== 'forge' && semantics !== 'steps') return null;
  const ranges = {
    sigma: { min: -1, max: 10_000 },
    steps: { min: 0, max: 10_000, whole: true },
    guider: { min: 0, max: 1 },
    forge: { min: 0, max: 1 },
  };
  const range = ranges[semantics];
  return isNumber(start, range) && isNumber(stop, range) ? { semantics, start, stop } : null;
}

function readRescale({ mode, amount }: Record<string, unknown>): PagRescale | null {
  if (mode === 'off' || mode === 'snf') return { mode };
  return (mode === 'full' || mode === 'partial') && isNumber(amount, { min: 0, max: 1 }) ? { mode, amount } : null;
}

/** Its own properties, none where it is no object. */
function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
