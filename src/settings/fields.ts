// What a run is made of, one row a setting: its kind and range, what stands there at first, and where it belongs. The
// types of settings and the one reader that storage, recipes and infotexts share follow from this table; a new setting
// is a row here and its control.

import {
  NOISE_SOURCES,
  PLAIN_PAG,
  PREDICTIONS,
  SIGMAS,
  SPACINGS,
  TERMINAL_SNRS,
  type EarlierSteps,
  type PagOptions,
} from '../diffusion/options';
import { SCHEDULERS } from '../diffusion/schedulers';
import { EMPHASES } from '../prompt/pieces';
import { boundedText } from './boundedText';
import { MOST_EDGE } from './pictureSize';
import { correctValue, isInRange, rangeText, type NumberRule } from './numbers';
import { readEarlier } from './earlierSteps';
import { readPag } from './pagOptions';

interface Place {
  /** Part of what made a picture; else of the visitor's machine. */
  readonly inRecipe: boolean;
  /** A model brings its own. */
  readonly usual: boolean;
  /** Said of one model: back to its first value where another is chosen. */
  readonly ofOneModel: boolean;
  /** Of the image with PAG alone: the one without it is the same whatever stands here. */
  readonly ofPag: boolean;
  /** The records of a run's plan, and the words and layers of each, tell all that it does. */
  readonly inPlan: boolean;
}

export interface TextField extends Place {
  readonly kind: 'text';
  /** UTF-16 units at most. */
  readonly letters: number;
  readonly initial: string;
}

export interface NumberField extends Place, NumberRule {
  readonly kind: 'number';
  readonly initial: number;
}

export interface ChoiceField extends Place {
  readonly kind: 'choice';
  readonly choices: Readonly<Record<string, { readonly label: string }>>;
  readonly initial: string;
  /** What recipes mean that do not say it, since they are older than the setting. */
  readonly unsaid?: string;
}

export interface FlagField extends Place {
  readonly kind: 'flag';
  readonly initial: boolean;
}

export interface PagField extends Place {
  readonly kind: 'pag';
  readonly initial: PagOptions;
}

export interface EarlierField extends Place {
  readonly kind: 'earlier';
  readonly initial: readonly EarlierSteps[];
  readonly unsaid: readonly EarlierSteps[];
}

export type Field = TextField | NumberField | ChoiceField | FlagField | PagField | EarlierField;

const OF_THE_PICTURE = { inRecipe: true, usual: false, ofOneModel: false, ofPag: false, inPlan: false } as const;
const OF_THE_MODEL = { inRecipe: true, usual: true, ofOneModel: false, ofPag: false, inPlan: false } as const;
const OF_ONE_MODEL = { inRecipe: true, usual: false, ofOneModel: true, ofPag: false, inPlan: false } as const;
const OF_THE_MACHINE = { inRecipe: false, usual: false, ofOneModel: false, ofPag: false, inPlan: false } as const;

const EDGE = {
  kind: 'number',
  min: 0,
  max: MOST_EDGE,
  whole: true,
  step: 8,
  initial: 0,
  fallback: 0,
  ...OF_THE_PICTURE,
} as const;

/** `image/fitPicture` has them. */
const START_FITS = {
  crop: { label: 'Fill: cut what stands over' },
  fit: { label: 'Fit: draw the edges out' },
  stretch: { label: 'Stretch' },
} as const;

/** A1111's words, and what they do there. */
const MASK_AREAS = {
  whole: { label: 'Whole picture' },
  masked: { label: 'Only masked' },
} as const;

const TABLE = {
  prompt: { kind: 'text', letters: 2000, initial: '', ...OF_THE_PICTURE, inPlan: true },
  negativePrompt: { kind: 'text', letters: 2000, initial: '', ...OF_THE_PICTURE, inPlan: true },
  /** How both prompts are read: what weighs in them, and where chunks of tokens end. */
  emphasis: { kind: 'choice', choices: EMPHASES, initial: 'a1111', unsaid: 'plain', ...OF_THE_PICTURE },
  /** 0 … 2⁵³−1; its low 32 bits seed mt19937, as `torch.manual_seed` does for CPU generators. */
  seed: {
    kind: 'number',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    whole: true,
    step: 1,
    initial: 7,
    fallback: 0,
    ...OF_THE_PICTURE,
  },
  /** Of the picture in pixels; 0 is the model's own. A run has the nearest that the model can do (`pictureSize`). */
  width: EDGE,
  height: EDGE,
  /** Whose random numbers the seed begins: those of PyTorch on the CPU, or on NVIDIA's GPUs (`diffusion/noise`). */
  noiseSource: { kind: 'choice', choices: NOISE_SOURCES, initial: 'cpu', unsaid: 'cpu', ...OF_THE_PICTURE },
  steps: {
    kind: 'number',
    min: 1,
    max: 150,
    whole: true,
    step: 1,
    initial: 20,
    fallback: 20,
    ...OF_THE_MODEL,
    inPlan: true,
  },
  /** Classifier-free guidance g; off at g ≤ 1. */
  guidanceScale: {
    kind: 'number',
    min: 1,
    max: 30,
    whole: false,
    step: 0.5,
    initial: 3,
    fallback: 3,
    ...OF_THE_MODEL,
    inPlan: true,
  },
  /** PAG scale s; 0 runs no perturbed row. The range is that of ComfyUI's node. */
  pagScale: {
    kind: 'number',
    min: 0,
    max: 100,
    whole: false,
    step: 0.1,
    initial: 3,
    fallback: 3,
    ...OF_THE_MODEL,
    ofPag: true,
    inPlan: true,
  },
  /** `mid`, `down`, `up`, `all`, diffusers' `pag_applied_layers` or ComfyUI's `unet_block_list` notation. */
  layers: { kind: 'text', letters: 4096, initial: 'mid', ...OF_THE_MODEL, ofPag: true, inPlan: true },
  scheduler: { kind: 'choice', choices: SCHEDULERS, initial: 'ddim', ...OF_THE_MODEL, inPlan: true },
  /** How noise levels are spread; schedulers of whole timesteps ignore it. */
  sigmas: { kind: 'choice', choices: SIGMAS, initial: 'model', ...OF_THE_MODEL, inPlan: true },
  spacing: { kind: 'choice', choices: SPACINGS, initial: 'model', ...OF_THE_MODEL, inPlan: true },
  /** Instead of what the model's files say, which may say nothing, or what is wrong. */
  prediction: { kind: 'choice', choices: PREDICTIONS, initial: 'model', ...OF_ONE_MODEL, inPlan: true },
  terminalSnr: { kind: 'choice', choices: TERMINAL_SNRS, initial: 'model', ...OF_ONE_MODEL, inPlan: true },
  /** How much of the run is made of a start image, where there is one: ⌊N·strength⌋ of N steps. */
  strength: {
    kind: 'number',
    min: 0,
    max: 1,
    whole: false,
    step: 0.05,
    initial: 0.6,
    fallback: 0.6,
    ...OF_THE_PICTURE,
  },
  /** How a start image of another shape comes to the picture's size. */
  startFit: { kind: 'choice', choices: START_FITS, initial: 'crop', ...OF_THE_PICTURE },
  /** Whether a run with a mask makes the whole start image, or what lies around the mask, at the run's size. */
  maskArea: { kind: 'choice', choices: MASK_AREAS, initial: 'whole', ...OF_THE_PICTURE },
  /** Pixels of the start image around the mask's box, where only that is made: A1111's "padding". */
  maskPadding: { kind: 'number', min: 0, max: 256, whole: true, step: 4, initial: 32, fallback: 32, ...OF_THE_PICTURE },
  /** σ of a Gaussian over the mask in pixels of the start image, A1111's "Mask blur"; diffusers has none. */
  maskFeather: { kind: 'number', min: 0, max: 64, whole: true, step: 1, initial: 4, fallback: 4, ...OF_THE_PICTURE },
  /** Outside the mask the result has the start image's own pixels; else what the VAE makes of them. */
  keepRest: { kind: 'flag', initial: true, ...OF_THE_PICTURE },
  /**
   * Layers of the text encoder that are done without, as A1111 counts them: 1 reads the last layer (SDXL: the one
   * before it), 2 the one before that. diffusers' `clip_skip` is one less. Of the prompt alone, as there.
   */
  clipSkip: { kind: 'number', min: 1, max: 12, whole: true, step: 1, initial: 1, fallback: 1, ...OF_THE_PICTURE },
  /**
   * How s goes over the steps, what is rescaled, how much is perturbed. A step whose s is 0 runs no perturbed row. Its
   * `guidanceRescale` is no PAG's (`withoutPag`).
   */
  pag: { kind: 'pag', initial: PLAIN_PAG, ...OF_THE_PICTURE, ofPag: true, inPlan: true },
  /**
   * What held in the first steps of a run that changes on the way: prompts, CFG scale, PAG scale and layers are then
   * those from there on.
   */
  earlier: { kind: 'earlier', initial: [], unsaid: [], ...OF_THE_PICTURE, inPlan: true },
  /** How many images, of the seeds s, s + 1, … */
  images: {
    kind: 'number',
    min: 1,
    max: 8,
    whole: true,
    step: 1,
    initial: 1,
    fallback: 1,
    ...OF_THE_MACHINE,
    inPlan: true,
  },
  /** Make "Without PAG" too, from the same seed. */
  compare: { kind: 'flag', initial: true, ...OF_THE_MACHINE, ofPag: true, inPlan: true },
  /** `auto` takes WebGPU where the browser has it; `wasm` runs on the CPU. */
  backend: {
    kind: 'choice',
    choices: { auto: { label: 'Automatic' }, wasm: { label: 'CPU' } },
    initial: 'auto',
    ...OF_THE_MACHINE,
  },
} as const satisfies Record<string, Field>;

type Table = typeof TABLE;
type Value<F extends Field> = F extends TextField
  ? string
  : F extends NumberField
    ? number
    : F extends ChoiceField
      ? keyof F['choices']
      : F extends FlagField
        ? boolean
        : F extends PagField
          ? PagOptions
          : readonly EarlierSteps[];
type At<P extends keyof Place> = { [K in keyof Table]: Table[K][P] extends true ? K : never }[keyof Table];

export type Settings = { readonly [K in keyof Table]: Value<Table[K]> };
/** What a run is made of, without what belongs to a visitor's machine. */
export type RecipeSettings = Pick<Settings, At<'inRecipe'>>;
/** What a model brings. */
export type UsualSettings = Pick<Settings, At<'usual'>>;
export type SettingName = keyof Settings;
export type ChoiceName = { [K in keyof Table]: Table[K] extends ChoiceField ? K : never }[keyof Table];

export const FIELDS: Table = TABLE;
export const SETTING_NAMES = Object.keys(TABLE) as readonly SettingName[];
export const RECIPE_NAMES = SETTING_NAMES.filter((name) => FIELDS[name].inRecipe) as readonly (keyof RecipeSettings)[];
export const USUAL_NAMES = SETTING_NAMES.filter((name) => FIELDS[name].usual) as readonly (keyof UsualSettings)[];

/** What recipes mean that are older than a setting, and do not say it. */
export const UNSAID: Partial<RecipeSettings> = Object.fromEntries(
  RECIPE_NAMES.flatMap((name) => {
    const field: Field = FIELDS[name];
    return 'unsaid' in field ? [[name, field.unsaid]] : [];
  }),
);

export const INITIAL = Object.fromEntries(
  SETTING_NAMES.map((name) => [name, FIELDS[name].initial]),
) as unknown as Settings;

export const INITIAL_RECIPE = Object.fromEntries(
  RECIPE_NAMES.map((name) => [name, INITIAL[name]]),
) as unknown as RecipeSettings;

/** What a switch to another model sets back. */
export const OF_ANOTHER_MODEL: Partial<Settings> = Object.fromEntries(
  SETTING_NAMES.filter((name) => FIELDS[name].ofOneModel).map((name) => [name, FIELDS[name].initial]),
);

export interface ReadField<T> {
  /** What was given, where it can stand as it is. */
  readonly value: T | null;
  /** The nearest that can stand; null where nothing is near. */
  readonly nearest: T | null;
  /** Why it cannot stand, as a sentence. */
  readonly why: string | null;
  /** What `nearest` leaves out of a text, as a sentence; null where nothing. */
  readonly note: string | null;
}

/** A setting from anything. Throws nothing. */
export function readField<K extends SettingName>(name: K, given: unknown): ReadField<Settings[K]> {
  const { value = null, nearest = value, why, note = null } = readKind(FIELDS[name], given);
  type Read = Settings[K] | null;
  return { value: value as Read, nearest: nearest as Read, why: value === null ? why : null, note };
}

interface Reading {
  readonly value?: unknown;
  readonly nearest?: unknown;
  readonly why: string;
  readonly note?: string | null;
}

function readKind(field: Field, given: unknown): Reading {
  switch (field.kind) {
    case 'text': {
      const why = `A text of up to ${field.letters} letters is needed.`;
      if (typeof given !== 'string') return { why };
      const { text, note } = boundedText(given, field.letters);
      return { ...(given.length <= field.letters && { value: given }), nearest: text, why, note };
    }
    case 'number': {
      const why = rangeText(field);
      if (isInRange(given, field)) return { value: given, why };
      return typeof given === 'number' && !Number.isNaN(given)
        ? { nearest: correctValue(given, field).value, why }
        : { why };
    }
    case 'choice': {
      const why = `It is not one of ${Object.keys(field.choices).join(', ')}.`;
      return typeof given === 'string' && Object.hasOwn(field.choices, given) ? { value: given, why } : { why };
    }
    case 'flag':
      return typeof given === 'boolean' ? { value: given, why: '' } : { why: 'It is neither true nor false.' };
    case 'pag':
      return { value: readPag(given), why: 'These guidance options are incomplete or out of range.' };
    case 'earlier':
      return {
        value: readEarlier(given, readField),
        why: 'What held in the first steps is incomplete or out of range.',
      };
  }
}

/** What a choice is called, for people. */
export function labelOf(name: ChoiceName, choice: string): string {
  const { choices } = FIELDS[name] as ChoiceField;
  return choices[choice]?.label ?? choice;
}
