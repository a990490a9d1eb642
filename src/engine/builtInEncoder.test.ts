// The built-in model from an image: its encoder is fetched when a run first needs it, once, and brings the picture to
// the latents that its UNet and its decoder know.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { POCKET } from '../models/catalog';
import { standardRoles } from '../models/roles';
import { INITIAL } from '../settings/fields';
import { CpuBackend } from './cpuBackend';
import { closeModel } from './diffusionModel';
import { generate } from './generate';
import { readModelFiles } from './modelFiles';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';

const { runs } = JSON.parse(readFileSync('fixtures/pocket/golden.json', 'utf8')) as {
  runs: Record<'off', { image: { shape: [number, number, number]; byteOffset: number } }>;
};

test('the encoder is opened by the first run from an image alone, whose picture comes back', async () => {
  const opened: string[] = [];
  const open = folder('public/models/pocket');
  const files = await readModelFiles(
    (path) => {
      opened.push(path);
      return open(path);
    },
    { ...standardRoles(1), vaeEncoder: POCKET.encoder },
  );
  const model = await openModel(new CpuBackend(await loadNodeRuntime()), files, POCKET.id);
  expect(model.info).toMatchObject({ encodes: true, sizes: { own: { width: 128, height: 128 }, multiple: 32 } });
  const hooks = { signal: new AbortController().signal, progress: () => {}, preview: () => {} };
  const settings = { ...INITIAL, prompt: 'fox flat', compare: false, pagScale: 0, steps: 20 };
  await generate(model, { ...settings, steps: 1 }, hooks);
  expect(opened).not.toContain(POCKET.encoder);

  const { shape, byteOffset } = runs.off.image;
  const rgb = new Uint8Array(
    readFileSync('fixtures/pocket/golden.bin').subarray(byteOffset, byteOffset + 3 * 128 * 128),
  );
  const start = { width: shape[1], height: shape[0], hash: 'apple', rgb: new Blob([rgb]) };
  const off = async (strength: number) => {
    const { pair } = await generate(model, { ...settings, strength }, hooks, { start });
    const { rgba } = pair.withPag;
    return (
      rgb.reduce((sum, value, at) => sum + Math.abs(value - rgba[4 * Math.floor(at / 3) + (at % 3)]!), 0) / rgb.length
    );
  };
  // One step of twenty, at the least noise; and all of them, from noise.
  const [near, far] = [await off(0.05), await off(1)];
  console.info(
    `of 255 levels a picture that one step was made of is off by ${near.toFixed(1)}, by twenty by ${far.toFixed(1)}`,
  );
  expect(near).toBeLessThan(8);
  expect(far).toBeGreaterThan(2 * near);
  expect(opened.filter((path) => path === POCKET.encoder)).toHaveLength(1);
  await closeModel(model);
});
