// A VAE's decoder as a device runs it that records: the same picture, and an ordinary session where replays are wrong.

import { openAsBlob } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { CpuBackend } from './cpuBackend';
import { OnnxFile } from './onnxFile';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { RecordingBackend } from './testing/recordingBackend';
import { VaeDecoder } from './vaeDecoder';

const SHAPE = [2, 4, 8, 8];
const latents = Float32Array.from({ length: 2 * 4 * 64 }, (_, at) => Math.sin(at * (1 + 0.01 * at)));
const ort = await loadNodeRuntime();

/** The second image's picture, decoded behind the first. */
async function decoded(backend: CpuBackend, onWrongReplay: () => void) {
  const blob = await openAsBlob('fixtures/models/tiny/vae_decoder/model.onnx');
  const file = await OnnxFile.open(blob, 'vae_decoder/model.onnx', { device: backend, openFile: null });
  const decoder = await VaeDecoder.open(backend, file, {}, null, { onWrongReplay, onTooShort: () => {} });
  const onDevice = backend.upload('float32', SHAPE, latents);
  await decoder.decode(onDevice, 0);
  const picture = await decoder.decode(onDevice, 1);
  await decoder.dispose();
  return [...picture.rgba];
}

test('a decoder that is recorded gives the picture of an ordinary one', async () => {
  const told = vi.fn();
  const backend = new RecordingBackend(ort);
  const recordings = vi.spyOn(backend.capturing, 'session');
  expect(await decoded(backend, told)).toEqual(await decoded(new CpuBackend(ort), told));
  expect(recordings).toHaveBeenCalledTimes(1);
  expect(told).not.toHaveBeenCalled();
});

test('where replays are wrong it is said once, and an ordinary session gives the picture', async () => {
  const told = vi.fn();
  const backend = new RecordingBackend(ort);
  const given = vi.spyOn(backend.capturing, 'giveUp').mockImplementation(() => {});
  const record = backend.capturing.session;
  backend.capturing.session = async (...args) => {
    const session = await record(...args);
    let ran = false;
    return {
      ...session,
      run: async () => {
        if (!ran) await session.run();
        ran = true;
      },
    };
  };
  expect(await decoded(backend, told)).toEqual(await decoded(new CpuBackend(ort), () => {}));
  expect([told.mock.calls.length, given.mock.calls.length]).toEqual([1, 1]);
});
