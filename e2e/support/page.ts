// The page as tests use it: by the names that people and screen readers use.

import { expect, type Locator, type Page } from '@playwright/test';

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
export const number = (page: Page, name: string) => page.getByRole('spinbutton', { name, exact: true });
export const picture = (page: Page, name: 'Without PAG' | 'With PAG') => page.getByRole('img', { name, exact: true });

/** Opens a part of the settings that is closed at first. */
export async function unfold(page: Page, name: 'Sampling' | 'How prompts and the model are read'): Promise<void> {
  await page.locator('summary').filter({ hasText: name }).click();
}

/** Types a number and leaves the field, as a person does. */
export async function setNumber(page: Page, name: string, value: string): Promise<void> {
  await number(page, name).fill(value);
  await number(page, name).blur();
}

export async function generate(page: Page): Promise<void> {
  await button(page, 'Generate').click();
  await expect(page.getByRole('status')).toContainText(/Done in/);
}

/** The canvas's own pixels, RGBA. */
export function pixels(image: Locator): Promise<number[]> {
  return image.evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const context = canvas.getContext('2d');
    return Array.from(context?.getImageData(0, 0, canvas.width, canvas.height).data ?? []);
  });
}

/** Mean absolute difference per channel, alpha left out; infinite where the sizes differ. */
export function meanDifference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Infinity;
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) if (at % 4 !== 3) sum += Math.abs(a[at]! - b[at]!);
  return sum / (0.75 * a.length);
}

/** The built-in model never comes: what needs no engine is shown without the work of preparing one. */
export async function holdModel(page: Page): Promise<void> {
  await page.route('**/models/pocket/**', () => undefined);
}

/** Settings that the page finds stored when it opens, as after an earlier visit. */
export async function openWith(page: Page, settings: Readonly<Record<string, unknown>>): Promise<void> {
  await page.addInitScript((stored) => {
    localStorage.setItem('pagoda.settings', stored);
  }, JSON.stringify(settings));
  await page.goto('/');
}
