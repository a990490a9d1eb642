// The models that the page offers, as plain data: where they lie and settings that suit them.

export interface CatalogEntry {
  readonly id: string;
  readonly name: string;
  /** Relative to the page, ending in `/`. */
  readonly folder: string;
  readonly defaults: {
    readonly prompt: string;
    readonly steps: number;
    readonly guidanceScale: number;
    readonly pagScale: number;
    readonly layers: string;
    readonly scheduler: 'ddim' | 'euler' | 'dpmpp-2m';
    readonly sigmas: 'model' | 'karras';
    readonly spacing: 'model';
  };
  /** Prompts that the model knows, to click. */
  readonly ideas: readonly string[];
}

export const POCKET: CatalogEntry = {
  id: 'pocket',
  name: 'Pocket (built in)',
  folder: 'models/pocket/',
  defaults: { prompt: 'red apple fluent', steps: 20, guidanceScale: 3, pagScale: 3, layers: 'all', scheduler: 'ddim', sigmas: 'model', spacing: 'model' },
  ideas: [
    'red apple fluent', 'panda fluent', 'pizza noto', 'octopus flat', 'grinning face noto', 'frog fluent',
    'rose noto', 'banana fluent', 'cat face flat', 'smiling face with sunglasses fluent',
  ],
};

/** Where the engine finds it; `page` is the document's base URL. */
export function modelRef(entry: CatalogEntry, page: string): { kind: 'url'; id: string; baseUrl: string } {
  return { kind: 'url', id: entry.id, baseUrl: new URL(entry.folder, page).href };
}
