// Pictures as people have them, as start images: turned, transparent, deep, moving, tiny, vast, broken; and pictures
// that are dropped or pasted anywhere on the page.

import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { picturePath, pictures } from '../fixtures/start/pictures';
import { dropFiles } from './support/dropFiles';
import { button, holdModel } from './support/page';

test.use({ serviceWorkers: 'block' });

interface Watched {
  /** What the engine was sent last. */
  sent?: { readonly width: number; readonly height: number; readonly rgb: Blob };
  /** How often a picture was decoded. */
  decoded: number;
}

async function watch(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const scope = self as unknown as Watched;
    scope.decoded = 0;
    const { createImageBitmap: decode } = self;
    self.createImageBitmap = ((...args: Parameters<typeof decode>) => {
      scope.decoded += 1;
      return decode(...args);
    }) as typeof decode;
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message: Record<string, unknown>, ...rest: []) {
      if (message['type'] === 'generate') scope.sent = message['start'] as NonNullable<Watched['sent']>;
      post.call(this, message, ...rest);
    };
  });
}

/** Its size, and the colours at the middles of its quarters, as the engine gets it. */
async function sent(page: Page) {
  await button(page, 'Generate').click();
  const found = await page.evaluate(async () => {
    const { width, height, rgb } = (self as unknown as Watched).sent!;
    const bytes = new Uint8Array(await rgb.arrayBuffer());
    const at = (x: number, y: number) => 3 * (Math.floor(y * height) * width + Math.floor(x * width));
    const places = [at(0.25, 0.25), at(0.75, 0.25), at(0.25, 0.75), at(0.75, 0.75)];
    return { size: [width, height], colours: places.map((place) => [...bytes.subarray(place, place + 3)]) };
  });
  await button(page, 'Cancel').click();
  return found;
}

/** The same, as one sees it. */
function seen(page: Page, name: string) {
  return page.getByRole('img', { name: `The start image: ${name}` }).evaluate((element) => {
    const { naturalWidth: width, naturalHeight: height } = element as HTMLImageElement;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.drawImage(element as HTMLImageElement, 0, 0);
    const at = (x: number, y: number) => context.getImageData(Math.floor(x * width), Math.floor(y * height), 1, 1).data;
    const places = [at(0.25, 0.25), at(0.75, 0.25), at(0.25, 0.75), at(0.75, 0.75)];
    return { size: [width, height], colours: places.map((data) => [...data.slice(0, 3)]) };
  });
}

const NOTES: Readonly<Record<string, string>> = {
  'moving.gif': 'It moves: its first frame is used.',
  'moving.webp': 'It moves: its first frame is used.',
  'moving.png': 'It moves: its first frame is used.',
  'alpha.png': 'What is transparent in it lies on white.',
  'alpha.webp': 'What is transparent in it lies on white.',
  'deep.png': 'Of its colours’ bits the upper eight are used.',
};

test('pictures as people have them are read as they are shown, and what of them is not used is said', async ({
  page,
}) => {
  await holdModel(page);
  await watch(page);
  await page.goto('/');
  await page.getByText('From an image', { exact: true }).click();
  const input = page.getByLabel('Start image', { exact: true });
  for (const [name, { size, colours }] of Object.entries(pictures)) {
    if (!colours) continue;
    await input.setInputFiles(picturePath(name));
    await expect(page.getByRole('img', { name: `The start image: ${name}` })).toBeVisible();
    // What moves has moved on in what is shown.
    const views = name.startsWith('moving') ? [await sent(page)] : [await sent(page), await seen(page, name)];
    for (const view of views) {
      expect(view.size, name).toEqual(size);
      // A JPEG's and a lossy WebP's colours are near.
      const far = view.colours.flatMap((colour, at) => colour.map((level, of) => Math.abs(level - colours[at]![of]!)));
      expect(Math.max(...far), name).toBeLessThanOrEqual(/plain|rotated/.test(name) ? 16 : 1);
    }
    for (const note of new Set(Object.values(NOTES)))
      await expect(page.getByText(note), name).toHaveCount(NOTES[name] === note ? 1 : 0);
  }
});

test('what cannot be a start image is said; what is too large is not even decoded', async ({ page }) => {
  await holdModel(page);
  await watch(page);
  await page.goto('/');
  await page.getByText('From an image', { exact: true }).click();
  const input = page.getByLabel('Start image', { exact: true });
  await input.setInputFiles(picturePath('plain.jpg'));
  await expect(page.getByRole('img', { name: 'The start image: plain.jpg' })).toBeVisible();
  const decoded = () => page.evaluate(() => (self as unknown as Watched).decoded);
  const before = await decoded();
  await input.setInputFiles(picturePath('vast.png'));
  await expect(page.getByRole('alert')).toContainText('vast.png: it has 12000 × 12000 pixels, and 50 million');
  expect(await decoded()).toBe(before);
  for (const [name, words] of [
    ['broken.png', 'broken.png: this browser cannot read it as a picture'],
    ['photo.heic', 'photo.heic: it is HEIC, which Safari alone reads'],
  ] as const) {
    await input.setInputFiles(picturePath(name));
    await expect(page.getByRole('alert')).toContainText(words);
    await expect(page.getByRole('img', { name: 'The start image: plain.jpg' })).toBeVisible();
  }
});

test('a picture that is dropped or pasted anywhere, and has no settings in it, can be begun from', async ({ page }) => {
  await holdModel(page);
  await page.goto('/');
  await dropFiles(page, [picturePath('plain.jpg')]);
  const notice = page.getByRole('region', { name: 'Opened recipe' });
  await expect(notice).toContainText('This picture has no settings in it that Pagoda reads.');
  await button(page, 'Begin from this picture').click();
  await expect(page.getByRole('img', { name: 'The start image: plain.jpg' })).toBeInViewport();
  await expect(notice).toHaveCount(0);

  const paste = (name: string, type: string) =>
    page.evaluate(
      ([base64, fileName, mime]) => {
        const bytes = Uint8Array.from(atob(base64!), (letter) => letter.charCodeAt(0));
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([bytes], fileName!, { type: mime! }));
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
      },
      [readFileSync(picturePath(name)).toString('base64'), name, type],
    );
  // Open, the section takes it at once; closed, it is offered.
  await paste('deep.png', 'image/png');
  await expect(page.getByRole('img', { name: 'The start image: deep.png' })).toBeVisible();
  await page.getByText('From an image (in use)', { exact: true }).click();
  await paste('still.gif', 'image/gif');
  await expect(notice).toContainText('Settings are read from PNG, JPEG and WebP, and this is GIF.');
  await button(page, 'Begin from this picture').click();
  await expect(page.getByRole('img', { name: 'The start image: still.gif' })).toBeVisible();
});
