// What graphs need, against counts made without them: weights as onnx's numpy_helper reads them, tensors as ONNX
// Runtime really makes them; and what the engine says of it before it builds anything.

import { openAsBlob } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unetFile } from '../../fixtures/architectures/golden';
import { cut, type Segment } from '../onnx/segments/cut';
import { inferFacts } from '../onnx/graph/facts';
import { Graph } from '../onnx/graph/graph';
import { FLOAT16 } from '../onnx/file/model';
import { graphNeeds } from '../onnx/graph/needs';
import { readModel } from '../onnx/file/read';
import { elements } from './backend';
import { CpuBackend } from './cpuBackend';
import { openModel } from './diffusionModel';
import { readModelFiles } from './modelFiles';
import { rowsOfRun } from './modelNeeds';
import { OnnxFile } from './onnxFile';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';

const backend = new CpuBackend(await loadNodeRuntime());
const open = async (path: string, f16 = false) =>
  OnnxFile.open(await openAsBlob(path), path, { device: { f16, fusesAttention: false }, openFile: null });
const none = new Map<string, readonly number[]>();

// Sum and largest of numpy_helper.to_array(t) over the initializers, in bytes as f32 where they are floats.
test.each([
  ['fixtures/models/tiny/unet', 1725968, 73728],
  ['fixtures/models/tiny/text_encoder', 139520, 68864],
  ['fixtures/models/tiny/vae_decoder', 147356, 9216],
  // These are stored in f16, with a Cast to f32 behind each.
  ['public/models/pocket/unet', 44136240, 2654208],
  ['public/models/pocket/text_encoder', 2039808, 444416],
  ['public/models/pocket/vae_decoder', 4407432, 331776],
])('weights of %s', async (path, weightBytes, largestWeight) => {
  const { graph } = await open(`${path}/model.onnx`);
  expect(graphNeeds(graph.model, none)).toMatchObject({ weightBytes, largestWeight, half: false });
});

test('half precision: as it is in the file, and as it is widened', async () => {
  const path = 'fixtures/models/tiny-f16/unet/model.onnx';
  const own = await open(path, true);
  expect(graphNeeds(own.graph.model, none)).toMatchObject({ weightBytes: 862984, largestWeight: 36864, half: true });
  // The widened one has the weights of the f32 model, and 1820 bytes that are Constants in the file.
  const { weightBytes, largestWeight, half } = graphNeeds((await open(path)).graph.model, none);
  expect([weightBytes, largestWeight, half]).toEqual([1725968 + 1820, 73728, false]);
});

/** The largest tensor, in bytes, that ONNX Runtime makes when all of them are asked for. */
async function largestMade(file: OnnxFile, dims: ReadonlyMap<string, readonly number[]>): Promise<number> {
  const { model } = file.graph;
  const { types } = inferFacts(model);
  const names = model.nodes
    .flatMap((node) => node.outputs)
    .filter((name) => name && file.graph.weightDims(name) === null && [1, 7].includes(types.get(name) ?? 0));
  const outputs = names.map((name) => ({ name, elemType: types.get(name) ?? 1, dims: null }));
  const [whole] = cut(new Graph({ ...model, outputs }), []) as [Segment];
  const session = await file.session(backend, whole);
  const feeds = Object.fromEntries(
    model.inputs.map(({ name, elemType }) => {
      const size = dims.get(name) ?? [];
      return [
        name,
        backend.upload(elemType === 7 ? 'int64' : 'float32', size, new Array<number>(elements(size)).fill(1)),
      ];
    }),
  );
  const made = await session.run(feeds);
  return Math.max(...Object.values(made).map((tensor) => elements(tensor.dims) * (tensor.type === 'int64' ? 8 : 4)));
}

describe('the largest tensor is the one that ONNX Runtime makes', () => {
  test.each([1, 3, 5])('tiny UNet, %d rows', async (rows) => {
    const file = await open('fixtures/models/tiny/unet/model.onnx');
    const dims = new Map<string, readonly number[]>(
      file.inputs.map(({ name, dims: declared }) => [
        name,
        (
          {
            sample: [rows, 4, 8, 8],
            timestep: declared?.length === 0 ? [] : [1],
            encoder_hidden_states: [rows, 77, declared?.[2] as number],
          } as Record<string, number[]>
        )[name] ?? [],
      ]),
    );
    const { largestTensor } = graphNeeds(file.graph.model, dims);
    expect(largestTensor).toBe(await largestMade(file, dims));
  });

  test('tiny VAE decoder', async () => {
    const file = await open('fixtures/models/tiny/vae_decoder/model.onnx');
    const dims = new Map([[file.inputs[0]?.name ?? '', [1, 4, 8, 8]]]);
    expect(graphNeeds(file.graph.model, dims).largestTensor).toBe(await largestMade(file, dims));
  });
});

test.each(['sd-dynamo', 'sd-optimum', 'sd-fused', 'sd-packed16', 'sdxl-packed16', 'lcm-baddbmm16'])(
  '%s: something is known of every exporter’s tensors',
  async (name) => {
    const model = await readModel(unetFile(name), name);
    const dims = new Map(
      model.inputs.map((input) => [
        input.name,
        (input.dims ?? []).map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 2 : axis === 1 ? 77 : 8)),
      ]),
    );
    const { largestTensor, half } = graphNeeds(model, dims);
    const unit = model.inputs.some((input) => input.elemType === FLOAT16) ? 2 : 4;
    expect(half).toBe(unit === 2 || name.endsWith('16'));
    // More than the latents that go in.
    expect(largestTensor).toBeGreaterThan(2 * 4 * 8 * 8 * unit);
  },
);

test('rows at once follow from what a run is made of', () => {
  expect(rowsOfRun({ compare: true, guidanceScale: 4, pagScale: 3 }, false)).toBe(5);
  expect(rowsOfRun({ compare: false, guidanceScale: 4, pagScale: 3 }, false)).toBe(3);
  expect(rowsOfRun({ compare: true, guidanceScale: 1, pagScale: 0 }, false)).toBe(2);
  expect(rowsOfRun({ compare: false, guidanceScale: 8, pagScale: 3 }, true)).toBe(2);
});

/** Of the tiny model, which stays in its file. */
const TOKEN_TABLE = 4 * 538 * 32;

test('a model is weighed before anything is built, and what its weighing throws ends there', async () => {
  const built: string[] = [];
  const watched = new CpuBackend(await loadNodeRuntime());
  const create = watched.createSession.bind(watched);
  watched.createSession = (graph, weights) => {
    built.push(`${weights.size} bytes`);
    return create(graph, weights);
  };
  const files = await readModelFiles(folder('fixtures/models/tiny'));
  const run = { compare: false, guidanceScale: 4, pagScale: 3, width: 0, height: 0 };
  const model = await openModel(watched, files, 'tiny', {
    run,
    weigh: (needsOf) => {
      const needs = needsOf(run);
      expect(built).toEqual([]);
      expect(needs).toMatchObject({ weightBytes: 1725968 + 139520 + 147356 - TOKEN_TABLE, half: false });
      expect(needs.buffers.map(({ what }) => what)).toEqual(['The UNet', 'The VAE decoder', 'The text encoder']);
      expect(needs.inescapable[0]?.bytes).toBeLessThan(needs.buffers[0]?.bytes ?? 0);
    },
    notice: () => {},
  });
  // A second picture has rows of its own.
  expect(model.needs({ ...run, compare: true }).buffers[0]!.bytes).toBeGreaterThan(model.needs(run).buffers[0]!.bytes);
  expect(built.length).toBeGreaterThan(0);
  built.length = 0;
  await expect(
    openModel(watched, files, 'tiny', {
      run,
      weigh: () => {
        throw new Error('too large');
      },
      notice: () => {},
    }),
  ).rejects.toThrow('too large');
  expect(built).toEqual([]);
});
