// Files and folders of the disk, dragged onto the page and dropped there, as a person does with the mouse.

import { resolve } from 'node:path';
import type { Page } from '@playwright/test';

/**
 * @param whileOver runs while they are held over the page.
 * @param at where, in pixels of the window.
 */
export async function dropFiles(
  page: Page,
  paths: readonly string[],
  whileOver?: () => Promise<void>,
  at = { x: 400, y: 300 },
): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const drag = (type: 'dragEnter' | 'dragOver' | 'drop') =>
    session.send('Input.dispatchDragEvent', {
      type,
      ...at,
      data: { items: [], files: paths.map((path) => resolve(path)), dragOperationsMask: 1 },
    });
  await drag('dragEnter');
  await drag('dragOver');
  await whileOver?.();
  await drag('drop');
  await session.detach();
}
