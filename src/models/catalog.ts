// The models that the page offers, as plain data: where they lie and settings that suit them.

import type { UsualSettings } from './usual';

export interface CatalogEntry {
  readonly id: string;
  readonly name: string;
  /** Relative to the page, ending in `/`. */
  readonly folder: string;
  readonly prompt: string;
  readonly usual: UsualSettings;
  /** Prompts that the model knows, to click. */
  readonly ideas: readonly string[];
}

export const POCKET: CatalogEntry = {
  id: 'pocket',
  name: 'Pocket (built in)',
  folder: 'models/pocket/',
  // From training/REPORT.md: the setting on which PAG shows, and held-out captions that it draws well.
  prompt: 'grinning squinting face fluent',
  usual: { steps: 20, guidanceScale: 1.5, pagScale: 1, layers: 'd1,m0,u0-1', scheduler: 'ddim', sigmas: 'model', spacing: 'model' },
  ideas: [
    'fox flat', 'nerd face fluent', 'mouse fluent', 'skull flat', 'pleading face noto', 'smiling face with halo flat',
    'grinning squinting face fluent', 'money mouth face noto', 'tiger face noto',
  ],
};

/** Prompts for a model of which nothing is known but that it is Stable Diffusion: things whose structure shows. */
export const GENERAL_IDEAS: readonly string[] = [
  'a red fox in the snow, photograph', 'a lighthouse at dusk, oil painting', 'an old sailor, pencil drawing',
  'a castle on a hill, watercolour', 'a bowl of ramen, studio light',
];

/** Where the engine finds it; `page` is the document's base URL. */
export function modelRef(entry: CatalogEntry, page: string): { kind: 'url'; id: string; baseUrl: string } {
  return { kind: 'url', id: entry.id, baseUrl: new URL(entry.folder, page).href };
}
