// A VAE whose numbers leave f16: built anew in f32, once, and decoded again; one that is too large decodes in tiles;
// and whatever fails, nothing is left behind. The f16 device is a stand-in: ONNX Runtime on the CPU rounds to f16 where
// the graph says so, which overflows likewise.

import { openAsBlob } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import type { Pixels } from '../protocol/pictureData';
import { OnnxFile } from './onnxFile';
import { countingBackend, type CountingBackend } from './testing/countingBackend';
import { HALF_VAE_SHAPE as SHAPE, halfVae } from './testing/halfVae';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { CpuBackend } from './cpuBackend';
import { VaeDecoder } from './vaeDecoder';

const cpu = new CpuBackend(await loadNodeRuntime());

async function open(blob: Blob) {
  const backend = countingBackend(cpu, { f16: true });
  const file = await OnnxFile.open(blob, 'vae_decoder/model.onnx', { device: backend, openFile: null });
  let widenings = 0;
  const decoder = await VaeDecoder.open(
    backend,
    file,
    { scaling_factor: 1 },
    {
      open: file.half
        ? () =>
            OnnxFile.open(blob, 'vae_decoder/model.onnx', {
              device: { ...backend, f16: false, fusesAttention: true },
              openFile: null,
            })
        : null,
      onWidened: () => {
        widenings += 1;
      },
    },
  );
  return { backend, decoder, widenings: () => widenings };
}

test('numbers beyond f16: rebuilt in f32, once, and said once', async () => {
  const { backend, decoder, widenings } = await open(halfVae(60_000));
  const latents = backend.upload('float32', SHAPE, [-1, -0.5, 0, 0.5, 1, 1.5, 2, 3, -1.5, 0.25, 0.75, 1]);
  const first = await decoder.decode(latents, 0);
  expect([...first.rgba.slice(0, 8)]).toEqual([0, 255, 0, 255, 64, 255, 159, 255]);
  expect([widenings(), backend.made.sessions, backend.live.sessions]).toEqual([1, 2, 1]);
  expect(await decoder.decode(latents, 0)).toEqual(first);
  expect([widenings(), backend.made.sessions]).toEqual([1, 2]);
  latents.dispose();
  await decoder.dispose();
  expect(backend.live).toEqual({ sessions: 0, tensors: 0 });
});

describe('in tiles', () => {
  const shape = [1, 4, 9, 14];
  const values = Float32Array.from({ length: 4 * 9 * 14 }, (_, at) => 2 * Math.sin(at * (1 + 0.01 * at)));

  async function decoded(backend: CountingBackend, images: number) {
    const file = await OnnxFile.open(await openAsBlob('fixtures/models/tiny/vae_decoder/model.onnx'), 'vae', {
      device: backend,
      openFile: null,
    });
    const onTooShort = vi.fn();
    const decoder = await VaeDecoder.open(backend, file, {}, null, { onWrongReplay: () => {}, onTooShort });
    const latents = backend.upload('float32', shape, values);
    const pictures = [];
    for (let image = 0; image < images; image += 1) pictures.push(await decoder.decode(latents, 0));
    latents.dispose();
    const { tiles } = decoder;
    await decoder.dispose();
    expect(backend.live).toEqual({ sessions: 0, tensors: 0 });
    return { pictures, tiles, told: onTooShort.mock.calls.length };
  }

  test('where the device takes no tensor as large as the whole one’s', async () => {
    const { pictures: whole, tiles } = await decoded(countingBackend(cpu), 1);
    expect(tiles).toBe(1);
    const limited = await decoded(countingBackend(cpu, { mostTensorBytes: 60_000 }), 1);
    expect([limited.tiles > 1, limited.told]).toEqual([true, 0]);
    expect(mostApart(limited.pictures[0]!, whole[0]!)).toBeLessThanOrEqual(1);
  });

  test('where memory was too short for the whole: once, from then on, and it is said once', async () => {
    const { pictures: whole } = await decoded(countingBackend(cpu), 1);
    const backend = countingBackend(cpu);
    backend.failNextRun();
    const { pictures, told } = await decoded(backend, 2);
    expect(told).toBe(1);
    for (const picture of pictures) expect(mostApart(picture, whole[0]!)).toBeLessThanOrEqual(1);
  });
});

function mostApart({ rgba }: Pixels, other: Pixels): number {
  expect(rgba).toHaveLength(other.rgba.length);
  return rgba.reduce((most, value, at) => Math.max(most, Math.abs(value - other.rgba[at]!)), 0);
}

test('numbers that fit stay in f16, and latents that are not finite accuse no VAE', async () => {
  const { backend, decoder, widenings } = await open(halfVae(2));
  const latents = backend.upload('float32', SHAPE, new Array<number>(12).fill(0.5));
  await decoder.decode(latents, 0);
  const lost = backend.upload('float32', SHAPE, new Array<number>(12).fill(NaN));
  await expect(decoder.decode(lost, 0)).rejects.toMatchObject({ code: 'not-finite' });
  expect([widenings(), backend.made.sessions]).toEqual([0, 1]);
  // What cannot be run leaves no tensor behind.
  backend.failNextRun();
  await expect(decoder.decode(latents, 0)).rejects.toMatchObject({ code: 'out-of-memory' });
  latents.dispose();
  lost.dispose();
  await decoder.dispose();
  expect(backend.live).toEqual({ sessions: 0, tensors: 0 });
});
