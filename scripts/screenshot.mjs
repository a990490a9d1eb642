// npm run screenshot: makes docs/screenshot.png, the picture in the README, from the built page in a real browser, and
// of the same run the example that stands in the page before the first picture.

import { execSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { chromium } from '@playwright/test';
import { preview } from 'vite';
import { findChromium } from './support/chromium.mjs';

const executablePath = findChromium();
if (!executablePath) throw new Error('A screenshot needs Chrome or Chromium; set CHROME_PATH.');
execSync('npx vite build --logLevel error', { stdio: 'inherit' });
const server = await preview({ preview: { port: 0, host: 'localhost' }, logLevel: 'error' });
const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
await page.goto(server.resolvedUrls?.local[0] ?? '');
await page.getByRole('button', { name: 'Generate' }).click();
await page
  .getByText(/^Done in/)
  .first()
  .waitFor({ timeout: 300_000 });
await page.screenshot({ path: 'docs/screenshot.png' });
for (const name of ['Without PAG', 'With PAG']) {
  const canvas = page.locator(`canvas[aria-label='${name}']`);
  const url = await canvas.evaluate((/** @type {HTMLCanvasElement} */ canvas) => canvas.toDataURL('image/png'));
  writeFileSync(
    `src/ui/pair/example${name.replaceAll(' ', '')}.png`,
    Buffer.from(url.slice('data:image/png;base64,'.length), 'base64'),
  );
}
await browser.close();
await server.close();
