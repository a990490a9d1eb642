// A VAE's decoder in tiles gives what it gives whole: exporters' graphs, ours and one of a fixed size, in pictures of
// any shape; and no part of it is larger than it may be.

import { openAsBlob } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { golden, storedWeights } from '../../fixtures/checkpoints/networks';
import { tinyVaeDecoder } from '../checkpoints/networks/tinyVae';
import { vaeDecoder } from '../checkpoints/networks/vae';
import { FLOAT } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import { Graph } from '../onnx/graph/graph';
import { cut } from '../onnx/segments/cut';
import { writeSegment } from '../onnx/segments/write';
import { floats, ints, op, smallModel } from '../onnx/testing/smallModel';
import { elements, type DeviceTensor } from './backend';
import { NEVER } from './checkpoint';
import { CpuBackend } from './cpuBackend';
import { OnnxFile, pictureOutput } from './onnxFile';
import { countingBackend } from './testing/countingBackend';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { TiledGraph, tiledPlans } from './tiledGraph';
import { decoderDims, latentsInput } from './vaeDecoder';

const cpu = new CpuBackend(await loadNodeRuntime());
/** f32 sums in another order, of a picture in −1 … 1: a hundredth of one of 255 levels. Measured: 1.2e-5. */
const BOUND = 1e-4;

const exported = async (folder: string) =>
  OnnxFile.open(await openAsBlob(`${folder}/vae_decoder/model.onnx`), 'vae_decoder/model.onnx', {
    device: cpu,
    openFile: null,
  });

function built(name: 'kl' | 'taesd'): OnnxFile {
  const { weight, openFile } = storedWeights(name);
  const build = name === 'kl' ? vaeDecoder : tinyVaeDecoder;
  const model = build(golden.vaes[name].config, { weight, type: FLOAT, splitsGelu: false });
  return OnnxFile.built(model, name, { device: cpu, openFile });
}

/** Of what a mosaic has: flat here, wild there. */
function latents(shape: readonly number[]): Float32Array {
  const [, , height, width] = shape as [number, number, number, number];
  return Float32Array.from({ length: elements(shape) }, (_, at) => {
    const [y, x] = [Math.floor(at / width) % height, at % width];
    return (y < height / 2 === x < width / 3 ? 0.2 : 2.5) * Math.sin(at * (1 + 0.01 * at));
  });
}

async function bothWays(file: OnnxFile, shape: readonly number[], plan: number, mostBytes: number) {
  const backend = countingBackend(cpu);
  const [input, output] = [latentsInput(file), pictureOutput(file)];
  const plans = tiledPlans(file, output, decoderDims(input, shape.slice(1) as [number, number, number]));
  const onDevice: DeviceTensor = backend.upload('float32', shape, latents(shape));
  const session = await file.session(cpu, file.upTo([output]));
  const whole = await cpu.read((await session.run({ [input.name]: onDevice }))[output]!);
  await session.dispose();
  const tiled = new TiledGraph(backend, file, plans[plan]!, mostBytes);
  const made = await tiled.run({ [input.name]: onDevice }, NEVER);
  const again = await tiled.run({ [input.name]: onDevice }, NEVER);
  const { sessions } = backend.made;
  await tiled.dispose();
  onDevice.dispose();
  const worst = made.values.reduce((most, value, at) => Math.max(most, Math.abs(value - whole[at]!)), 0);
  return { plans, made, again, whole, worst, sessions, live: backend.live };
}

/** Of the height and width that it was exported for, which its Reshapes and its Resize hold. */
async function ofFixedSize(): Promise<OnnxFile> {
  const [height, width] = [12, 18];
  const wave = (dims: readonly number[]) =>
    floats(
      dims,
      [...latents([1, 1, 1, elements(dims)])].map((x) => x / 8),
    );
  const norm = (from: string, to: string, size: readonly number[]) => [
    op('Reshape', [from, 'groups'], [`${from} grouped`]),
    op('InstanceNormalization', [`${from} grouped`, 'twos', 'halves'], [`${from} normal`]),
    op('Reshape', [`${from} normal`, size.join()], [to]),
  ];
  const pads = { pads: [1, 1, 1, 1] };
  const sizes = [
    [1, 4, height, width],
    [1, 4, 2 * height, 2 * width],
  ] as const;
  const model = {
    ...smallModel(
      { latent_sample: [1, 4, height, width] },
      [
        op('Conv', ['latent_sample', 'first'], ['a'], pads),
        op('Resize', ['a', '', '', 'larger'], ['b'], {
          coordinate_transformation_mode: 'asymmetric',
          nearest_mode: 'floor',
        }),
        ...norm('b', 'c', sizes[1]),
        op('Relu', ['c'], ['d']),
        op('Conv', ['d', 'first'], ['e'], pads),
        op('Add', ['b', 'e'], ['f']),
        ...norm('f', 'g', sizes[1]),
        op('Conv', ['g', 'last'], ['out'], pads),
      ],
      {
        first: wave([4, 4, 3, 3]),
        last: wave([3, 4, 3, 3]),
        groups: ints([1, 2, -1]),
        larger: ints(sizes[1]),
        [sizes[1].join()]: ints(sizes[1]),
        twos: floats([2], [2, 3]),
        halves: floats([2], [0.5, -0.25]),
      },
    ),
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
  };
  const blob = new Blob([writeSegment(model, cut(new Graph(model), [])[0]!).bytes]);
  return OnnxFile.open(blob, 'fixed', { device: cpu, openFile: null });
}

describe('in tiles it is what it is whole', () => {
  test.each([
    ['the built-in model’s', () => exported('public/models/pocket'), [1, 12, 8, 5], 4],
    ['an exported one', () => exported('fixtures/models/tiny'), [1, 4, 9, 14], 2],
    ['one that we write', () => Promise.resolve(built('kl')), [1, 4, 13, 11], 2],
    ['one of a fixed size', ofFixedSize, [1, 4, 12, 18], 1],
    ['a tiny VAE', () => Promise.resolve(built('taesd')), [1, 4, 11, 13], 2],
  ] as const)('%s, cut at its last upsampling and its first', async (_, open, shape, upsamplings) => {
    const file = await open();
    // The shortest end and the longest.
    for (const plan of new Set([0, upsamplings - 1])) {
      const { plans, made, again, whole, worst, live } = await bothWays(
        file,
        shape,
        plan,
        file.name === 'fixed' ? 6000 : 30_000,
      );
      expect(plans).toHaveLength(upsamplings);
      expect(made.values).toHaveLength(whole.length);
      expect(made.tiles).toBeGreaterThan(3);
      expect(worst).toBeLessThan(BOUND);
      expect(again.values).toEqual(made.values);
      expect(live).toEqual({ sessions: 0, tensors: 0 });
    }
  });
});
