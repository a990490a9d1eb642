// The built-in model on the CPU: a stranger's first pair, and the same pair as the run made in Python.

import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import {
  button,
  generate,
  holdModel,
  meanDifference,
  openWith,
  picture,
  pixels,
  setNumber,
  unfold,
} from './support/page';

test.use({ serviceWorkers: 'block' });

interface Golden {
  readonly settings: {
    readonly prompt: string;
    readonly seed: number;
    readonly steps: number;
    readonly guidanceScale: number;
    readonly pagScale: number;
  };
  readonly runs: Record<'off' | 'all', { readonly image: { readonly byteOffset: number } }>;
}

function goldenImage(golden: Golden, run: 'off' | 'all'): number[] {
  const bytes = readFileSync('fixtures/pocket/golden.bin');
  const at = golden.runs[run].image.byteOffset;
  return Array.from({ length: 128 * 128 }, (_, pixel) => [
    ...bytes.subarray(at + 3 * pixel, at + 3 * pixel + 3),
    255,
  ]).flat();
}

test('a pair from a fixed seed equals the reference, and PAG changes it visibly', async ({ page }) => {
  const golden = JSON.parse(readFileSync('fixtures/pocket/golden.json', 'utf8')) as Golden;
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.goto('/');
  await expect(page.getByRole('status')).toContainText('CPU');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(golden.settings.prompt);
  await setNumber(page, 'Seed', String(golden.settings.seed));
  await setNumber(page, 'Steps', String(golden.settings.steps));
  await setNumber(page, 'CFG scale', String(golden.settings.guidanceScale));
  await setNumber(page, 'PAG scale', String(golden.settings.pagScale));
  await page.getByRole('combobox', { name: 'Layers' }).fill('all');
  await generate(page);
  const without = await pixels(picture(page, 'Without PAG'));
  const withPag = await pixels(picture(page, 'With PAG'));
  // Rounding to 8 bits: a value may land on the other side of a half.
  expect(meanDifference(without, goldenImage(golden, 'off'))).toBeLessThan(0.1);
  expect(meanDifference(withPag, goldenImage(golden, 'all'))).toBeLessThan(0.1);
  expect(meanDifference(without, withPag)).toBeGreaterThan(5);
  const origin = new URL(page.url()).origin;
  expect(requests.filter((url) => !url.startsWith(origin) && !url.startsWith('blob:'))).toEqual([]);
});

test('the built-in model begins from a picture too, and fetches its encoder only then', async ({ page }) => {
  const encoders: string[] = [];
  page.on('request', (request) => request.url().includes('/vae_encoder/') && encoders.push(request.url()));
  await openWith(page, { prompt: 'fox flat', steps: 10, strength: 0.2 });
  await generate(page);
  expect(encoders).toEqual([]);
  const made = await pixels(picture(page, 'With PAG'));
  await page.getByText('From an image', { exact: true }).click();
  await button(page, 'Use the one with PAG').click();
  await setNumber(page, 'Seed', '12');
  await generate(page);
  expect(encoders).toHaveLength(1);
  const again = await pixels(picture(page, 'With PAG'));
  // Two steps of ten, from other noise: changed, and the same fox.
  expect(meanDifference(again, made)).toBeGreaterThan(0.5);
  expect(meanDifference(again, made)).toBeLessThan(16);
});

test('settings survive a reload', async ({ page }) => {
  await holdModel(page);
  await page.goto('/');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('frog noto');
  await setNumber(page, 'Seed', '4294967297');
  await unfold(page, 'Sampling');
  await page.getByRole('combobox', { name: 'Scheduler' }).selectOption('Euler');
  await page.reload();
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toHaveValue('frog noto');
  await expect(page.getByRole('spinbutton', { name: 'Seed' })).toHaveValue('4294967297');
  await unfold(page, 'Sampling');
  await expect(page.getByRole('combobox', { name: 'Scheduler' })).toHaveValue('euler');
});
