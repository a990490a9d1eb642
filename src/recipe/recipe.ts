// A recipe: everything that made a picture, as one plain object of JSON values. `parseRecipe` takes anything back:
// each field is checked by itself, so that one bad value costs that field alone and is named.

import type { SchedulerConfig } from '../diffusion/types';
import { FIELDS, INITIAL_RECIPE, RECIPE_NAMES, UNSAID, readField, type RecipeSettings } from '../settings/fields';
import { isInRange } from '../settings/numbers';
import { asRecord } from '../settings/pagOptions';
import { withLoraTags } from './loraTags';

export interface Recipe {
  readonly format: 'pagoda';
  readonly formatVersion: 1;
  readonly appVersion: string;
  readonly model: {
    readonly id: string;
    readonly revision: string | null;
    /** It is one .safetensors file, on disk or of a repository: then `id` is owner, name and path there. */
    readonly singleFile?: boolean;
    /** Name of the file whose VAE stood in place of the model's own, without its ending. */
    readonly vae?: string;
    /** That one is TAESD. */
    readonly tinyVae?: boolean;
    /** The same of its UNet: text encoders, VAE and scheduler were those of the model that `id` names. */
    readonly unet?: string;
  };
  readonly settings: RecipeSettings;
  /** Pixels. */
  readonly size: { readonly width: number; readonly height: number };
  /** The perturbed sites that `layers` stood for, in both notations; other systems need them spelt out. */
  readonly sites: readonly { readonly name: string; readonly comfyName: string }[];
  readonly backend: 'webgpu' | 'wasm';
  readonly adapter: string;
  /** Those that changed the model's weights; absent where none did. */
  readonly loras?: readonly RecipeLora[];
  /** Names, without the ending, of the embeddings' files that the prompts named; absent where there were none. */
  readonly embeddings?: readonly string[];
  /** The model's, for which `model` stands in `settings`. */
  readonly scheduler?: SchedulerConfig;
  /** The CFG scale is an input of the UNet, which guides by itself. */
  readonly guidanceEmbedded?: boolean;
  /** Without clip skip the prompt is read one layer before the text encoder's last: SD 2.x and XL. */
  readonly readsPenultimate?: boolean;
  /** SHA-256 of the image that it started from, which is not in the file; absent: from noise. */
  readonly start?: string;
  /** SHA-256 of the mask on it; absent: all of it was made anew. */
  readonly mask?: string;
  /** SDXL or one pruned of it. */
  readonly sdxl?: boolean;
  /** Chunks of tokens of the longer prompt; absent where it is one. */
  readonly chunks?: number;
  /** The model did not read the end of a prompt; absent where it read all. */
  readonly isCut?: boolean;
  /** Its place in a run of several, from 0, whose seeds follow one another: its own is the settings'. */
  readonly batch?: { readonly size: number; readonly position: number };
  /** Of libraries that computed, by package name. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface RecipeLora {
  /** The file's, without its ending. */
  readonly name: string;
  readonly weight: number;
  /** A1111's, 12 hexadecimal digits; null where it is not known. */
  readonly hash: string | null;
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
  /** Their tags are in the prompt. */
  readonly loras: readonly RecipeLora[];
  /** Their names are in the prompts. */
  readonly embeddings: readonly string[];
  /** Hash of the image that it started from; '' where that is not said. */
  readonly start?: string;
  /** Of the mask on it, likewise. */
  readonly mask?: string;
  readonly notRestored: readonly NotRestored[];
}

/** @param parts whose settings may carry more than belongs in a file that people share. */
export function makeRecipe(parts: Omit<Recipe, 'format' | 'formatVersion'>): Recipe {
  const settings = Object.fromEntries(
    RECIPE_NAMES.map((name) => [name, parts.settings[name]]),
  ) as unknown as RecipeSettings;
  return { format: 'pagoda', formatVersion: 1, ...parts, settings };
}

/** Whether it was made around a mask alone, at the settings' size, and pasted into a picture of another. */
export function isPart({
  mask,
  settings,
}: {
  readonly mask?: string;
  readonly settings: Pick<RecipeSettings, 'maskArea'>;
}): boolean {
  return mask !== undefined && settings.maskArea === 'masked';
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
  if (notRestored.length > 0) return { settings: {}, model: null, loras: [], embeddings: [], notRestored };

  const settings: Record<string, unknown> = {};
  const earlier: Record<string, unknown> =
    Object.keys(from).length > 0 ? { ...UNSAID, ...sizeOf(asRecord(recipe['size'])) } : {};
  for (const name of RECIPE_NAMES) {
    const given = from[name] === undefined ? earlier[name] : from[name];
    if (given === undefined) continue;
    const { value, why } = readField(name, given);
    if (value === null) notRestored.push(refusal(name, given, why ?? ''));
    else settings[name] = value;
  }
  const loras = readLoras(recipe['loras']);
  const prompt = typeof settings['prompt'] === 'string' ? settings['prompt'] : '';
  return {
    settings: loras.length > 0 ? { ...settings, prompt: withLoraTags(prompt, loras) } : settings,
    model: readModel(asRecord(recipe['model'])),
    loras,
    embeddings: readNames(recipe['embeddings']),
    ...(typeof recipe['start'] === 'string' && { start: recipe['start'].slice(0, 64) }),
    ...(typeof recipe['mask'] === 'string' && { mask: recipe['mask'].slice(0, 64) }),
    notRestored,
  };
}

/** For recipes of earlier versions, whose settings said none. */
function sizeOf(size: Record<string, unknown>): Readonly<Record<string, unknown>> {
  const edges = [readField('width', size['width']).value, readField('height', size['height']).value];
  return edges.every((edge) => edge !== null && edge > 0) ? { width: edges[0], height: edges[1] } : {};
}

export function refusal(name: string, value: unknown, why: string): NotRestored {
  const text = typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value);
  return { name: name.slice(0, 80), value: text.length > 120 ? `${text.slice(0, 120)}…` : text, why };
}

function readModel({ id, revision, vae, unet }: Record<string, unknown>): Recipe['model'] | null {
  const isName = (name: unknown): name is string => typeof name === 'string' && name !== '' && name.length <= 200;
  if (!isName(id)) return null;
  return {
    id,
    revision: isName(revision) ? revision : null,
    ...(isName(vae) && { vae }),
    ...(isName(unet) && { unet }),
  };
}

/** Files of a kind: far more than anyone uses at once. */
const MOST_FILES = 100;

function readLoras(value: unknown): RecipeLora[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MOST_FILES).flatMap((one) => {
    const { name, weight, hash } = asRecord(one);
    const named = typeof name === 'string' && /^[^<>\n:]{1,200}$/.test(name);
    if (!named || typeof weight !== 'number' || !Number.isFinite(weight)) return [];
    return [{ name, weight, hash: typeof hash === 'string' && /^[0-9a-f]{12}$/.test(hash) ? hash : null }];
  });
}

function readNames(value: unknown): string[] {
  const isName = (name: unknown) => typeof name === 'string' && /^[^\n]{1,200}$/.test(name);
  return Array.isArray(value) ? (value.slice(0, MOST_FILES).filter(isName) as string[]) : [];
}

/** A recipe that was kept, whole; null where it is none. A setting that it lacks, or has wrong, has its first value. */
export function readRecipe(value: unknown): Recipe | null {
  const stored = asRecord(value);
  const { settings, notRestored } = parseRecipe({ ...stored, loras: [] });
  const model = readModel(asRecord(stored['model']));
  const { width, height } = asRecord(stored['size']);
  const isRecipe = stored['format'] === 'pagoda' && stored['formatVersion'] === 1;
  if (!isRecipe || !model || typeof width !== 'number' || typeof height !== 'number') return null;
  if (notRestored.some(({ name }) => name === 'prompt')) return null;
  const { batch, ...rest } = stored as unknown as Recipe;
  return {
    ...rest,
    ...(isBatch(batch) && { batch }),
    model: { ...(stored['model'] as Recipe['model']), ...model },
    settings: { ...INITIAL_RECIPE, ...settings },
    sites: readSites(stored['sites']),
    versions: asRecord(stored['versions']) as Recipe['versions'],
    backend: stored['backend'] === 'webgpu' ? 'webgpu' : 'wasm',
    adapter: typeof stored['adapter'] === 'string' ? stored['adapter'] : '',
  };
}

function isBatch(value: unknown): value is NonNullable<Recipe['batch']> {
  const { size, position } = asRecord(value);
  return isInRange(size, FIELDS.images) && isInRange(position, { min: 0, max: size - 1, whole: true });
}

function readSites(value: unknown): Recipe['sites'] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one) => {
    const { name, comfyName } = asRecord(one);
    return typeof name === 'string' && typeof comfyName === 'string' ? [{ name, comfyName }] : [];
  });
}
