// The first bytes against Pillow's word, and against files that are cut anywhere and damaged anywhere.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { picturePath, pictures } from '../../fixtures/start/pictures';
import { readPictureHead } from './pictureHead';

const FORMATS: Readonly<Record<string, string>> = {
  png: 'PNG',
  jpg: 'JPEG',
  webp: 'WebP',
  gif: 'GIF',
  avif: 'AVIF',
  heic: 'HEIC',
};

test.each(Object.entries(pictures))(
  '%s says its size',
  async (name, { stored, isAnimated = false, isDeep = false }) => {
    const [width, height] = stored;
    expect(await readPictureHead(new Blob([readFileSync(picturePath(name))]))).toEqual({
      format: FORMATS[name.split('.').at(-1)!],
      width,
      height,
      isAnimated,
      isDeep,
    });
  },
);

test('a file that is cut or damaged says a size or none, and never fails or hangs', async () => {
  for (const name of Object.keys(pictures)) {
    const whole = readFileSync(picturePath(name)).subarray(0, 800);
    for (let at = 0; at < whole.length; at += 1) {
      const damaged = Buffer.from(whole);
      damaged[at] = at % 3 === 0 ? 0 : 255;
      for (const bytes of [whole.subarray(0, at), damaged]) {
        const head = await readPictureHead(new Blob([new Uint8Array(bytes)]));
        expect(head === null || Number.isInteger(head.width)).toBe(true);
      }
    }
  }
});

test('what is no picture has no head', async () => {
  expect(await readPictureHead(new Blob(['no picture']))).toBe(null);
  expect(await readPictureHead(new Blob([]))).toBe(null);
});
