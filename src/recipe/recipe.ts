// A recipe: everything that made a picture, as one plain object of JSON values. `parseRecipe` takes anything back:
// each field is checked by itself, so that one bad value costs that field alone and is named.

import type { SchedulerConfig } from '../diffusion/types';
import { RECIPE_NAMES, readField, type RecipeSettings } from '../settings/fields';
import { asRecord } from '../settings/pagOptions';

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
  /** Without clip skip the prompt is read one layer before the text encoder's last: SD 2.x and XL. */
  readonly readsPenultimate?: boolean;
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

/** @param parts whose settings may carry more than belongs in a file that people share. */
export function makeRecipe(parts: Omit<Recipe, 'format' | 'formatVersion'>): Recipe {
  const settings = Object.fromEntries(
    RECIPE_NAMES.map((name) => [name, parts.settings[name]]),
  ) as unknown as RecipeSettings;
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
  for (const name of RECIPE_NAMES) {
    const given = from[name];
    if (given === undefined) continue;
    const { value, why } = readField(name, given);
    if (value === null) notRestored.push(refusal(name, given, why ?? ''));
    else settings[name] = value;
  }
  return { settings, model: readModel(asRecord(recipe['model'])), notRestored };
}

export function refusal(name: string, value: unknown, why: string): NotRestored {
  const text = typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value);
  return { name: name.slice(0, 80), value: text.length > 120 ? `${text.slice(0, 120)}…` : text, why };
}

function readModel({ id, revision }: Record<string, unknown>): Recipe['model'] | null {
  const isName = (name: unknown): name is string => typeof name === 'string' && name !== '' && name.length <= 200;
  return isName(id) ? { id, revision: isName(revision) ? revision : null } : null;
}
