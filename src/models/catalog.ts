// The models that the page offers, as plain data: where they lie and settings that suit them.

import type { UsualSettings } from '../settings/fields';

/** Put in by the build, which names them by their content (scripts/hashedFolders). */
declare const __PUBLIC_FOLDERS__: Readonly<Record<'models/pocket/' | 'clip/', string>>;

export interface CatalogEntry {
  readonly id: string;
  readonly name: string;
  /** Relative to the page, ending in `/`. */
  readonly folder: string;
  /** Bytes of each file that is loaded at once, by path: what is to come is known before the first byte. */
  readonly bytes: Readonly<Record<string, number>>;
  /** Path of the file that is loaded when a run begins from an image. */
  readonly encoder: string;
  readonly prompt: string;
  readonly usual: UsualSettings;
  /** Prompts that the model knows, to click. */
  readonly ideas: readonly string[];
}

export const POCKET: CatalogEntry = {
  id: 'pocket',
  name: 'Pocket (built in)',
  folder: __PUBLIC_FOLDERS__['models/pocket/'],
  bytes: {
    'model_index.json': 422,
    'scheduler/scheduler_config.json': 318,
    'text_encoder/config.json': 509,
    'text_encoder/model.onnx': 1056927,
    'tokenizer/tokenizer.json': 19902,
    'tokenizer/tokenizer_config.json': 166,
    'unet/config.json': 1617,
    'unet/model.onnx': 22847203,
    'vae_decoder/config.json': 746,
    'vae_decoder/model.onnx': 2325053,
  },
  encoder: 'vae_encoder/model.onnx',
  // From training/REPORT.md: the setting, and held-out captions that are named right with every seed. The first prompt,
  // held out too, is the one on which the eye sees best what PAG does.
  prompt: 'grinning squinting face fluent',
  usual: {
    steps: 20,
    guidanceScale: 2,
    pagScale: 1,
    layers: 'd1,m0,u0-1',
    scheduler: 'ddim',
    sigmas: 'model',
    spacing: 'model',
  },
  ideas: [
    'eggplant flat',
    'tiger face noto',
    'clown face flat',
    'nerd face fluent',
    'palm tree noto',
    'skull flat',
    'cherry blossom fluent',
    'fox flat',
    'alien flat',
  ],
};

/** Prompts for a model of which nothing is known but that it is Stable Diffusion: things whose structure shows. */
export const GENERAL_IDEAS: readonly string[] = [
  'a red fox in the snow, photograph',
  'a lighthouse at dusk, oil painting',
  'an old sailor, pencil drawing',
  'a castle on a hill, watercolour',
  'a bowl of ramen, studio light',
];

/** CLIP's merges, for checkpoints; relative to the page. */
export const CLIP_FOLDER = __PUBLIC_FOLDERS__['clip/'];

/** Where the engine finds it; `page` is the document's base URL. */
export function modelRef(
  { folder, id, bytes, encoder }: CatalogEntry,
  page: string,
): Pick<CatalogEntry, 'id' | 'bytes' | 'encoder'> & { kind: 'url'; baseUrl: string } {
  return { kind: 'url', id, baseUrl: new URL(folder, page).href, bytes, encoder };
}
