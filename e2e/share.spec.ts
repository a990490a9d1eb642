// A finished pair is given to others: a link that carries its settings, the pair as one picture, the clipboard; and a
// report of the device.

import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { readPngText } from '../src/image/pngText';
import { button, generate, number, openWith } from './support/page';
import { serveTinyModel } from './support/tinyModel';

test.use({ serviceWorkers: 'block' });

test('a link sets the form elsewhere, and the pair goes as one picture with its recipe', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await serveTinyModel(page);
  await openWith(page, { prompt: 'a red apple', steps: 2, pagScale: 1.5, layers: 'mid', seed: 41 });
  await generate(page);
  await button(page, 'Share').click();
  const dialog = page.getByRole('dialog', { name: 'Share' });
  await dialog.getByRole('button', { name: 'Copy link' }).click();
  await expect(dialog.getByRole('status').first()).toHaveText('Copied.');
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(new URL(link).hash).toMatch(/^#recipe=1\./);

  const saving = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Save pair as one PNG' }).click();
  const png = readFileSync(await (await saving).path());
  // Two pictures of 512 pixels with gaps between and around them.
  expect([png.readUInt32BE(16), png.readUInt32BE(20) > 512]).toEqual([2 * 512 + 3 * 20, true]);
  const { texts } = await readPngText(new Blob([Uint8Array.from(png)]), new Set(['pagoda']));
  expect(JSON.parse(texts.get('pagoda')!)).toMatchObject({ settings: { prompt: 'a red apple', seed: 41 } });

  await dialog.getByRole('button', { name: 'Copy picture' }).click();
  await expect(dialog.getByRole('status').last()).toHaveText('Copied.');
  const copied = await page.evaluate(async () => (await navigator.clipboard.read()).flatMap(({ types }) => types));
  expect(copied).toContain('image/png');

  await dialog.getByRole('button', { name: 'Close' }).click();
  await button(page, 'Device report').click();
  const report = page.getByRole('dialog', { name: 'Device report' });
  await report.getByRole('button', { name: 'Copy report' }).click();
  await expect(report.getByRole('status')).toHaveText('Copied.');
  const text = await page.evaluate(() => navigator.clipboard.readText());
  expect(text).toMatch(/^Pagoda \S+, onnxruntime-web \d/);
  expect(text).toMatch(/^Device: .* build\)$/m);
  expect(text).toMatch(/^Last run: 32 × 32, [\d.]+ ms a step/m);

  const other = await context.newPage();
  await serveTinyModel(other);
  await other.goto(link);
  await expect(other.getByRole('region', { name: 'Opened recipe' })).toContainText('those of the link');
  await expect(other.getByRole('textbox', { name: 'Prompt', exact: true })).toHaveValue('a red apple');
  await expect(number(other, 'Seed')).toHaveValue('41');
  expect(new URL(other.url()).hash).toBe('');
  await other.goto(link.slice(0, -40));
  await expect(other.getByRole('region', { name: 'Opened recipe' })).toContainText('This link is damaged');
  await expect(number(other, 'Seed')).toHaveValue('41');
});
