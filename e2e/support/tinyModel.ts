// Puts the tiny model of fixtures/models in the place of the built-in one, by answering the page's requests for
// it. The product knows nothing of this. Service workers would answer before the route: use it in a context
// with `serviceWorkers: 'block'`.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Page } from '@playwright/test';

const MODELS = new URL('../../fixtures/models/', import.meta.url);

/** What becomes of a file: other bytes, or nothing (404). */
export type FileChange = (bytes: Uint8Array) => Uint8Array | 'missing';

export interface TinyModelOptions {
  /**
   * `tiny-f16` is `tiny` with a UNet in float16, `tiny-flat` with one of a single level: fewer shaders. `tiny-wide` is
   * that with a VAE whose maps are larger than all that the UNet has.
   */
  readonly model?: 'tiny' | 'tiny-f16' | 'tiny-flat' | 'tiny-wide';
  /** By path in the model's folder, e.g. `unet/model.onnx`. */
  readonly changes?: Readonly<Record<string, FileChange>>;
}

/** What each page is served now; changed in one go, so that no request sees two models. */
const served = new WeakMap<Page, TinyModelOptions>();

/** Until it is called again, `page` gets this model for the built-in one. */
export async function serveTinyModel(page: Page, options: TinyModelOptions = {}): Promise<void> {
  const isRouted = served.has(page);
  served.set(page, options);
  if (isRouted) return;
  await page.route('**/models/pocket/**', async (route) => {
    const { model = 'tiny', changes = {} } = served.get(page) ?? {};
    // The build puts the files one folder deeper, which is named by what is in them.
    const [, path = ''] =
      /\/models\/pocket\/(?:[0-9a-f]{12}\/)?(.*)/.exec(new URL(route.request().url()).pathname) ?? [];
    const folders = [model, ...(model === 'tiny-wide' ? ['tiny-flat'] : []), 'tiny'];
    const file = folders.map((folder) => new URL(`${folder}/${path}`, MODELS)).find((url) => existsSync(url));
    const bytes = file ? readFileSync(fileURLToPath(file)) : null;
    const answer = bytes ? (changes[path]?.(bytes) ?? bytes) : 'missing';
    if (answer === 'missing') {
      await route.fulfill({ status: 404, contentType: 'text/plain', body: 'Not found' });
      return;
    }
    const contentType = path.endsWith('.json') ? 'application/json' : 'application/octet-stream';
    await route.fulfill({ body: Buffer.from(answer), contentType });
  });
}
