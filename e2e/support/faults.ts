// Serves test models in place of the built-in one, and puts faults into the engine worker, both through the
// browser's network: the product has no test hooks. Use with `serviceWorkers: 'block'`.

import { existsSync, readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';

/** Serves a folder of fixtures/models as the built-in model; `replace` gives other bytes for single files. */
export async function serveModel(page: Page, folder: string, replace: Readonly<Record<string, Buffer | null>> = {}): Promise<void> {
  await page.route('**/models/pocket/**', async (route) => {
    const path = new URL(route.request().url()).pathname.split('/models/pocket/')[1] ?? '';
    const own = replace[path];
    const file = `fixtures/models/${folder}/${path}`;
    if (own === null || (own === undefined && !existsSync(file))) await route.fulfill({ status: 404 });
    else await route.fulfill({ body: own ?? readFileSync(file) });
  });
}

/** Runs `code` in the engine worker before anything else. */
export async function injectIntoWorker(page: Page, code: string): Promise<void> {
  await page.route('**/assets/worker-*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${code};\n${await response.text()}` });
  });
}
