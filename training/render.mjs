// Renders three emoji sets to 128×128 RGB on white, with their names, categories and emojilib's keywords.
//
//     node training/render.mjs DATA      writes DATA/images.rgb (uint8 [n, 128, 128, 3]) and DATA/images.json
//
// Sources (npm): @iconify-json/noto (Apache-2.0), @iconify-json/fluent-emoji, @iconify-json/fluent-emoji-flat (MIT),
// emojilib (MIT). Skin tones, flags, keycaps and clock faces are left out.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp from 'sharp';

const SIZE = 128;
const STYLES = { noto: 'noto', 'fluent-emoji': 'fluent', 'fluent-emoji-flat': 'flat' };
const SKIPPED = /skin-tone|^flag-|keycap|-medium|-dark$|-light$|o-clock|thirty$/;

const require = createRequire(import.meta.url);
const folder = process.argv[2];
if (!folder) throw new Error('Say where to write: node training/render.mjs DATA');

/** Code points as `1f34e-200d-…`, without the variation selector that sets differ in. */
const plain = (code) => code.toLowerCase().split('-').filter((point) => point !== 'fe0f').join('-');
const codeOfChar = (char) => plain([...char].map((point) => point.codePointAt(0).toString(16)).join('-'));

const categories = new Map();
for (const [category, names] of Object.entries(require('@iconify-json/noto/metadata.json').categories)) {
  for (const name of names) categories.set(name, category);
}
const codes = new Map();
for (const set of Object.keys(STYLES)) {
  for (const [code, name] of Object.entries(require(`@iconify-json/${set}/chars.json`))) codes.set(name, plain(code));
}
const keywords = new Map();
for (const [char, words] of Object.entries(JSON.parse(readFileSync(require.resolve('emojilib/dist/emoji-en-US.json'))))) {
  keywords.set(codeOfChar(char), words.map((word) => word.replaceAll('_', ' ').toLowerCase()));
}

const images = [];
const meta = [];
for (const [set, style] of Object.entries(STYLES)) {
  const { icons, ...defaults } = require(`@iconify-json/${set}/icons.json`);
  for (const [name, icon] of Object.entries(icons)) {
    if (SKIPPED.test(name) || icon.hidden) continue;
    const { left = 0, top = 0, width = 16, height = 16, body } = { ...defaults, ...icon };
    const size = 2 * SIZE;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${left} ${top} ${width} ${height}" width="${size}" height="${size}">${body}</svg>`;
    images.push(await sharp(Buffer.from(svg)).flatten({ background: '#fff' }).resize(SIZE, SIZE, { kernel: 'lanczos3' })
      .removeAlpha().toColourspace('srgb').raw().toBuffer());
    meta.push({ style, name: name.replaceAll('-', ' '), category: categories.get(name) ?? '', keywords: keywords.get(codes.get(name)) ?? [] });
  }
}
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'images.rgb'), Buffer.concat(images));
writeFileSync(join(folder, 'images.json'), JSON.stringify(meta));
console.log(`${meta.length} images`);
