// `npm run icons`: draws the PNG icons of the web app manifest from public/icons/pagoda.svg.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from '@playwright/test';

import { findChromium } from './support/chromium.mjs';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'public', 'icons');
const svg = readFileSync(join(folder, 'pagoda.svg'), 'utf8');
// Maskable icons are cut to any shape: the drawing keeps to the middle, its ground fills the square.
const maskable = svg.replace(' rx="96"', '').replace('<g ', '<g transform="translate(51 51) scale(.8)" ');

const executablePath = findChromium();
if (!executablePath) throw new Error('No Chrome or Chromium was found.');
const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
for (const [name, size, drawing] of /** @type {const} */ ([
  ['pagoda-192.png', 192, svg],
  ['pagoda-512.png', 512, svg],
  ['pagoda-maskable-512.png', 512, maskable],
])) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw}</style>${drawing}`);
  await page.screenshot({ path: join(folder, name), omitBackground: true });
}
await browser.close();
