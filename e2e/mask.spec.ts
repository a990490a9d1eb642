// The mask on a start image: painted with the mouse, undone, inverted, saved and chosen as a file; and what is made
// under it, of which nothing but the masked part is another.

import { readFileSync, writeFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { picturePath } from '../fixtures/start/pictures';
import { wholeFile } from '../fixtures/checkpoints/pipelines';
import { startPicture, startSettings } from '../fixtures/start/start';
import { dropFiles } from './support/dropFiles';
import { pngOf } from './support/png';
import { button, generate, holdModel, openWith, picture, pixels, setNumber } from './support/page';

test.use({ serviceWorkers: 'block' });

const SAID = { none: 'Nothing is masked', all: 'All of the picture is masked' };
const { width, height } = startPicture();

async function openEditor(page: Page) {
  await page.getByText('From an image', { exact: true }).click();
  await page
    .getByLabel('Start image', { exact: true })
    .setInputFiles({ name: 'start.png', mimeType: 'image/png', buffer: pngOf(startPicture()) });
  await button(page, 'Paint mask').click();
  return page.getByRole('dialog', { name: 'Mask' });
}

/** Drags over the picture, in parts of its edges. */
async function drag(page: Page, ...places: readonly (readonly [number, number])[]): Promise<void> {
  const box = (await page.getByRole('dialog').getByRole('img').boundingBox())!;
  const to = ([x, y]: readonly [number, number]) => page.mouse.move(box.x + x * box.width, box.y + y * box.height);
  await to(places[0]!);
  await page.mouse.down();
  for (const place of places.slice(1)) await to(place);
  await page.mouse.up();
}

/** Of the file that Save mask gives: its levels, a byte a pixel. */
async function savedMask(page: Page): Promise<Uint8Array> {
  const saved = page.waitForEvent('download');
  await button(page, 'Save mask').click();
  const bytes = readFileSync(await (await saved).path());
  const levels = await page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d')!;
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    return Array.from({ length: data.length / 4 }, (_, at) => data[4 * at]!);
  }, bytes.toString('base64'));
  return Uint8Array.from(levels);
}

test('a mask is painted, erased, undone, inverted and cleared, with mouse and keys', async ({ page }) => {
  await holdModel(page);
  await page.goto('/');
  const editor = await openEditor(page);
  await expect(editor).toContainText(SAID.none);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await expect(button(page, 'Undo')).toBeDisabled();

  // The brush has a sixth of the shorter edge: a stroke over the middle third has about 1/6 of the rows.
  await drag(page, [0.3, 0.5], [0.7, 0.5]);
  await expect(editor).toContainText(/^.*(7|8) % of the picture is masked/s);
  await page.keyboard.press(']');
  await page.keyboard.press(']');
  await drag(page, [0.5, 0.2], [0.5, 0.8]);
  await expect(editor).toContainText(/1[6-9] % of the picture is masked/);
  await page.keyboard.press('Control+z');
  await expect(editor).toContainText(/(7|8) % of the picture is masked/);
  await button(page, 'Redo').click();
  await expect(editor).toContainText(/1[6-9] % of the picture is masked/);
  await button(page, 'Undo').click();
  await page.keyboard.press('e');
  await expect(page.getByRole('radio', { name: 'Eraser' })).toBeChecked();
  await drag(page, [0, 0.5], [1, 0.5]);
  await expect(editor).toContainText(SAID.none);
  await button(page, 'Undo').click();
  await button(page, 'Invert').click();
  await expect(editor).toContainText(/9[23] % of the picture is masked/);
  await button(page, 'Invert').click();
  await page.keyboard.press('Escape');
  await expect(editor).toBeHidden();

  const mask = await savedMask(page);
  expect(mask).toHaveLength(width * height);
  const at = (x: number, y: number) => mask[Math.floor(y * height) * width + Math.floor(x * width)];
  expect([at(0.3, 0.5), at(0.5, 0.5), at(0.7, 0.5)]).toEqual([255, 255, 255]);
  expect([at(0.5, 0.25), at(0.5, 0.75), at(0.1, 0.5), at(0.9, 0.5)]).toEqual([0, 0, 0, 0]);
  await button(page, 'Clear mask').click();
  await expect(page.getByRole('group', { name: 'Mask' })).toContainText(SAID.none);
  await expect(page.getByRole('combobox', { name: 'Inpaint area' })).toHaveCount(0);
});

test('on a touch screen one finger paints and nothing scrolls; a file that is dropped there is the mask', async ({
  browser,
}) => {
  const context = await browser.newContext({ hasTouch: true, viewport: { width: 360, height: 640 } });
  const page = await context.newPage();
  await holdModel(page);
  await page.goto('/');
  const editor = await openEditor(page);
  const sheet = page.getByRole('dialog').getByRole('img');
  const session = await context.newCDPSession(page);
  const box = (await sheet.boundingBox())!;
  const at = (id: number, x: number, y: number) => ({ id, x: box.x + x * box.width, y: box.y + y * box.height });
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...touchPoints: ReturnType<typeof at>[]) =>
    session.send('Input.dispatchTouchEvent', { type, touchPoints });
  // A finger, and a palm that comes after it.
  await touch('touchStart', at(0, 0.3, 0.5));
  await touch('touchStart', at(0, 0.3, 0.5), at(1, 0.8, 0.2));
  await touch('touchMove', at(0, 0.5, 0.5), at(1, 0.8, 0.8));
  await touch('touchMove', at(0, 0.5, 0.8), at(1, 0.2, 0.9));
  await touch('touchEnd');
  await expect(editor).toContainText('8 % of the picture is masked');
  // Close to it the frame could scroll.
  await button(page, 'Zoom in').click();
  const frame = sheet.locator('../..');
  const places = () => frame.evaluate((element) => [element.scrollLeft, element.scrollTop, window.scrollY]);
  const before = await places();
  await touch('touchStart', at(0, 0.6, 0.5));
  await touch('touchMove', at(0, 0.5, 0.3));
  await touch('touchMove', at(0, 0.4, 0.2));
  await touch('touchEnd');
  await expect(editor).not.toContainText('8 % of the picture is masked');
  expect(await places()).toEqual(before);
  await dropFiles(page, [picturePath('alpha.png')], undefined, { x: 180, y: 300 });
  await expect(editor).toContainText('What is opaque in alpha.png is masked');
  await expect(page.getByRole('region', { name: 'Opened recipe' })).toHaveCount(0);
  await button(page, 'Undo').click();
  await page.keyboard.press('Escape');

  const mask = await savedMask(page);
  const level = (x: number, y: number) => mask[Math.floor(y * height) * width + Math.floor(x * width)];
  expect([level(0.3, 0.5), level(0.5, 0.5), level(0.5, 0.75)]).toEqual([255, 255, 255]);
  expect([level(0.8, 0.2), level(0.8, 0.5), level(0.8, 0.8), level(0.2, 0.9)]).toEqual([0, 0, 0, 0]);
  await context.close();
});

test('a mask is chosen as a file: white or opaque is masked, another size is stretched, and each is said', async ({
  page,
}) => {
  await holdModel(page);
  await page.goto('/');
  await openEditor(page);
  await page.keyboard.press('Escape');
  const group = page.getByRole('group', { name: 'Mask' });
  const input = page.getByLabel('Mask image', { exact: true });
  const rgb = new Uint8Array(3 * width * height);
  // The left 60 columns white, the next 30 at 127, one level short of a half.
  for (let at = 0; at < width * height; at += 1) {
    const column = at % width;
    rgb.fill(column < 60 ? 255 : column < 90 ? 127 : 0, 3 * at, 3 * at + 3);
  }
  await input.setInputFiles({ name: 'm.png', mimeType: 'image/png', buffer: pngOf({ width, height, rgb }) });
  await expect(group).toContainText('40 % of the picture is masked');
  await expect(group.getByRole('status')).toHaveCount(0);
  const saved = await savedMask(page);
  expect(
    Buffer.compare(
      saved,
      Uint8Array.from(saved, (_, at) => rgb[3 * at]!),
    ),
  ).toBe(0);

  await input.setInputFiles(picturePath('alpha.png'));
  await expect(group).toContainText(`alpha.png was 48 × 32 and was stretched to the picture’s ${width} × ${height}`);
  await expect(group).toContainText('What is opaque in alpha.png is masked');
  // A quarter is opaque, one more has 128, which is not more than 128.
  await expect(group).toContainText('25 % of the picture is masked');

  await input.setInputFiles({ name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await expect(group).toContainText('no.png: this browser cannot read it as a picture');
  await expect(group).toContainText('25 % of the picture is masked');

  // A picture of the same size keeps it, another size does not.
  const start = page.getByLabel('Start image', { exact: true });
  await start.setInputFiles({ name: 'other.png', mimeType: 'image/png', buffer: pngOf({ width, height, rgb }) });
  await expect(group).toContainText('The mask was kept');
  await expect(group).toContainText('25 % of the picture is masked');
  await start.setInputFiles(picturePath('deep.png'));
  await expect(group).toContainText('The mask was of a picture of another size');
  await expect(group).toContainText(SAID.none);
});

test('what is painted is made anew and nothing else; of several images the chosen one is the next start image', async ({
  page,
}, info) => {
  const model = info.outputPath('small.safetensors');
  writeFileSync(model, new Uint8Array(await wholeFile('sd1', 'F16').arrayBuffer()));
  await holdModel(page);
  await openWith(page, { ...startSettings, steps: 3, strength: 0.7, maskArea: 'masked', maskFeather: 0 });
  await button(page, 'Model: Pocket (built in). Change').click();
  await page.getByLabel('Checkpoint file').setInputFiles(model);
  await expect(page.getByRole('status').filter({ hasText: 'in use' })).toBeVisible();
  await page.keyboard.press('Escape');
  await openEditor(page);
  await drag(page, [0.4, 0.5], [0.6, 0.5]);
  await page.keyboard.press('Escape');
  const mask = await savedMask(page);
  await setNumber(page, 'Images', '3');
  await generate(page);

  const { rgb } = startPicture();
  /** Pixels that are another than the start image's: beyond the mask, and under it in parts of it. */
  const changed = (rgba: readonly number[]) => {
    expect(rgba).toHaveLength(4 * mask.length);
    let [beyond, under, masked] = [0, 0, 0];
    for (let at = 0; at < mask.length; at += 1) {
      const isSame = [0, 1, 2].every((channel) => rgba[4 * at + channel] === rgb[3 * at + channel]);
      if (mask[at] === 0) beyond += Number(!isSame);
      if (mask[at] === 255) masked += 1;
      if (mask[at] === 255) under += Number(!isSame);
    }
    return { beyond, under: under / masked };
  };
  for (const name of ['Without PAG', 'With PAG'] as const) {
    const made = changed(await pixels(picture(page, name)));
    expect(made.beyond).toBe(0);
    expect(made.under).toBeGreaterThan(0.9);
  }
  await button(page, 'Recipe').click();
  await expect(page.getByRole('dialog', { name: 'Recipe' })).toContainText('only masked');
  await page.keyboard.press('Escape');

  await page.getByRole('radio', { name: /^Image 3, / }).check();
  const third = await pixels(picture(page, 'With PAG'));
  await button(page, 'Use the one with PAG').click();
  const begun = page.getByRole('img', { name: /^The start image: .*made here/ });
  await expect(begun).toBeVisible();
  const shown = await begun.evaluate((element) => {
    const { naturalWidth, naturalHeight } = element as HTMLImageElement;
    const context = new OffscreenCanvas(naturalWidth, naturalHeight).getContext('2d')!;
    context.drawImage(element as HTMLImageElement, 0, 0);
    return [...context.getImageData(0, 0, naturalWidth, naturalHeight).data];
  });
  expect(Buffer.compare(Buffer.from(shown), Buffer.from(third))).toBe(0);
  // It has the size of the one before, and so its mask.
  await expect(page.getByRole('group', { name: 'Mask' })).toContainText('The mask was kept');
});
