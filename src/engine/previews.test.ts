// The linear map of the built-in model against numpy's least squares on the same noise (fixtures/pocket/
// preview_golden.py), and what a preview has to do with the picture: neither may be off, and none may cost a session.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { LatentColours } from '../diffusion/latentColours';
import type { Pixels } from '../protocol/pictureData';
import { CpuBackend } from './cpuBackend';
import { readModelFiles } from './modelFiles';
import { Previews } from './previews';
import { countingBackend } from './testing/countingBackend';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { openModel } from './testing/openModel';

const golden = JSON.parse(readFileSync('fixtures/pocket/preview.json', 'utf8')) as LatentColours;
const { runs } = JSON.parse(readFileSync('fixtures/pocket/golden.json', 'utf8')) as {
  runs: { off: { latents: { offset: number; shape: readonly number[] } } };
};
const bytes = readFileSync('fixtures/pocket/golden.bin');
const { offset, shape } = runs.off.latents;
/** The last of a run. */
const latents = Float32Array.from({ length: 12 * 64 }, (_, at) => bytes.readFloatLE(4 * (offset + at)));
const { signal } = new AbortController();

const backend = countingBackend(new CpuBackend(await loadNodeRuntime()));
const model = await openModel(backend, await readModelFiles(folder('public/models/pocket')), 'pocket');

test('the map is the least squares of numpy, and always the same', async () => {
  await model.previews.prepare(signal);
  const { colours } = model.previews;
  const differences = [...golden.factors, golden.bias].flatMap((row, at) =>
    row.map((value, colour) => Math.abs(value - [...colours!.factors, colours!.bias][at]![colour]!)),
  );
  // 8 bits of a pixel may round otherwise where the decoders differ in the last bit of f32.
  expect(Math.max(...differences)).toBeLessThan(1e-4);
  const again = new Previews(backend, model.vaeDecoder, model.files.vaeConfig, model.info.latentShape);
  await again.prepare(signal);
  expect(again.colours).toEqual(colours);
});

test('a preview is a pixel a latent, close to the mean of the picture there, and runs no session', async () => {
  await model.previews.prepare(signal);
  const tensor = backend.upload(
    'float32',
    [2, ...shape.slice(1)],
    Float32Array.of(...latents, ...latents.map((one) => -one)),
  );
  const { tensors } = backend.live;
  const ran = backend.made.runs;
  const { pictures, size } = await model.previews.of(tensor, signal);
  expect([backend.made.runs - ran, backend.live.tensors]).toEqual([0, tensors]);
  expect(size).toEqual({ width: 128, height: 128 });
  expect(pictures.map(({ width, height }) => [width, height])).toEqual([
    [8, 8],
    [8, 8],
  ]);
  const [first, other] = pictures as [Pixels, Pixels];
  const means = meansOf(await model.vaeDecoder.decode(tensor, 0));
  const off = (preview: Pixels) => {
    const levels = means.map((mean, at) => Math.abs(mean - preview.rgba[at]!)).filter((_, at) => at % 4 !== 3);
    return levels.reduce((sum, one) => sum + one, 0) / levels.length;
  };
  console.info(`a preview is off by ${off(first).toFixed(1)} of 255, another image's by ${off(other).toFixed(1)}`);
  expect(off(first)).toBeLessThan(30);
  expect(off(other)).toBeGreaterThan(60);
  tensor.dispose();
});

/** RGBA, a value each for 16×16 pixels. */
function meansOf({ rgba, width }: Pixels): number[] {
  const means = new Array<number>(4 * 64).fill(0);
  for (const [at, value] of rgba.entries()) {
    const [pixel, channel] = [Math.floor(at / 4), at % 4];
    const [x, y] = [Math.floor((pixel % width) / 16), Math.floor(pixel / width / 16)];
    means[4 * (8 * y + x) + channel]! += value / 256;
  }
  return means;
}
