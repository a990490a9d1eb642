// A VAE whose numbers leave f16: built anew in f32, once, and decoded again; and whatever fails, nothing is left behind.
// The f16 device is a stand-in: ONNX Runtime on the CPU rounds to f16 where the graph says so, which overflows likewise.

import { expect, test } from 'vitest';
import { FLOAT16 } from '../onnx/model';
import { cut, type Segment } from '../onnx/cut';
import { Graph } from '../onnx/graph';
import { makeNode } from '../onnx/makeNode';
import { floats, smallModel } from '../onnx/testing/smallModel';
import { MessageWriter } from '../onnx/protobuf';
import { writeSegment } from '../onnx/write';
import { OnnxFile } from './onnxFile';
import { countingBackend } from './testing/countingBackend';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { CpuBackend } from './cpuBackend';
import { VaeDecoder } from './vaeDecoder';

const SHAPE = [1, 3, 2, 2];
const cpu = new CpuBackend(await loadNodeRuntime());

/** latents·`scale` in f16, then divided by `scale` again. */
function vaeFile(scale: number): Blob {
  const node = (opType: string, inputs: string[], output: string, to?: number) => makeNode({ name: output, opType }, inputs, [output], to === undefined ? {} : { to: { int: to } });
  const model = {
    ...smallModel({ latents: SHAPE }, [
      node('Mul', ['latents', 'up'], 'large'),
      node('Cast', ['large'], 'half', FLOAT16),
      node('Mul', ['half', 'one'], 'halfToo'),
      node('Cast', ['halfToo'], 'whole', 1),
      node('Mul', ['whole', 'down'], 'out'),
    ], { up: floats([1], [scale]), down: floats([1], [1 / scale]), one: { dims: [1], dataType: FLOAT16, raw: Uint8Array.of(0, 0x3c), range: null, encoded: null } }),
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
  };
  const written = { ...model, outputs: [{ name: 'out', elemType: 1, dims: SHAPE }] };
  return new Blob([writeSegment(written, cut(new Graph(written), [])[0] as Segment).bytes]);
}

async function open(blob: Blob) {
  const backend = countingBackend(cpu, { f16: true });
  const file = await OnnxFile.open(blob, 'vae_decoder/model.onnx', { device: backend, openFile: null });
  let widenings = 0;
  const decoder = await VaeDecoder.open(backend, file, { scaling_factor: 1 }, {
    open: file.half ? () => OnnxFile.open(blob, 'vae_decoder/model.onnx', { device: { ...backend, f16: false, fusesAttention: true }, openFile: null }) : null,
    onWidened: () => { widenings += 1; },
  });
  return { backend, decoder, widenings: () => widenings };
}

test('numbers beyond f16: rebuilt in f32, once, and said once', async () => {
  const { backend, decoder, widenings } = await open(vaeFile(60_000));
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

test('numbers that fit stay in f16, and latents that are not finite accuse no VAE', async () => {
  const { backend, decoder, widenings } = await open(vaeFile(2));
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
