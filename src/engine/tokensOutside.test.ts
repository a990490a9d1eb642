// Text encoders whose table of tokens stays in its file give what they give with it: exported ones and built ones, in
// f32, in f16, and in f16 that is widened as it is read.

import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import { wholeFile, type FamilyName } from '../../fixtures/checkpoints/pipelines';
import { MessageWriter } from '../onnx/file/protobuf';
import { floats, op, smallModel } from '../onnx/testing/smallModel';
import { tokensOutside } from '../onnx/passes/tokensOutside';
import { Graph } from '../onnx/graph/graph';
import { checkpointFiles } from './checkpointFiles';
import type { Tensors } from './backend';
import { CpuBackend } from './cpuBackend';
import { elemType, OnnxFile } from './onnxFile';
import { loadNodeRuntime } from './testing/nodeRuntime';

const backend = new CpuBackend(await loadNodeRuntime());
const IDS = [3, 1, 4, 1, 5, 0, 0, 2];

async function exported(path: string): Promise<OnnxFile> {
  return OnnxFile.open(await openAsBlob(`${path}/text_encoder/model.onnx`), path, { device: backend, openFile: null });
}

async function built(family: FamilyName, stored: 'F32' | 'F16' | 'BF16'): Promise<OnnxFile> {
  const file = new File([wholeFile(family, stored)], 'some.safetensors');
  const files = await checkpointFiles({ file, clipUrl: '' }, undefined, () => openAsBlob('public/clip/merges.txt'));
  if (files.textEncoder instanceof Blob) throw new Error('It is built.');
  return OnnxFile.built(files.textEncoder(backend), file.name, { device: backend, openFile: files.open });
}

/** All that the graph gives of these tokens. */
async function outputsOf(file: OnnxFile, ids: readonly number[]): Promise<Record<string, number[]>> {
  const segment = file.upTo(file.outputs.map(({ name }) => name));
  const session = await file.session(backend, segment);
  const rows = file.tokens && (await file.tokenRows(ids));
  const feeds = file.inputs
    .filter(({ name }) => segment.inputs.includes(name))
    .map((input) =>
      rows && input.name === file.tokens.input.name
        ? [input.name, backend.upload('float32', [1, ids.length, rows.length / ids.length], rows)]
        : [input.name, backend.upload(elemType(input), [1, ids.length], ids)],
    );
  const outputs = await session.run(Object.fromEntries(feeds) as Tensors);
  const read = Object.entries(outputs).map(async ([name, tensor]) => [name, [...(await backend.read(tensor))]]);
  const all = Object.fromEntries(await Promise.all(read)) as Record<string, number[]>;
  await session.dispose();
  return all;
}

test.each([
  ['an export', () => exported('fixtures/models/tiny'), 8],
  ['an export of SDXL’s first', () => exported('fixtures/engine/sdxl'), 8],
  ['a checkpoint in f32', () => built('sd1', 'F32'), 77],
  ['a checkpoint in f16', () => built('sd1', 'F16'), 77],
  ['a checkpoint in bf16', () => built('sd1', 'BF16'), 77],
])('%s', async (_, open, count) => {
  const whole = await open();
  const outside = whole.withTokensOutside();
  expect(outside.tokens).not.toBeNull();
  const weights = (file: OnnxFile) => [...file.graph.model.initializers.keys()];
  expect(weights(whole).filter((name) => !weights(outside).includes(name))).toEqual([outside.tokens!.table.name]);
  expect(outside.bytes).toBe(whole.bytes);
  const fixed = whole.inputs[0]?.dims?.[1];
  const ids = Array.from({ length: typeof fixed === 'number' ? fixed : count }, (__, at) => IDS[at % IDS.length]!);
  const expected = await outputsOf(whole, ids);
  expect(Object.keys(expected).length).toBeGreaterThan(0);
  expect(await outputsOf(outside, ids)).toEqual(expected);
  await expect(outside.tokenRows([1e6])).rejects.toMatchObject({ code: 'model-invalid', detail: 'token 1000000' });
});

test('a chain of any length between ids and table is walked, once', () => {
  const ids = { name: 'ids', elemType: 7, dims: ['batch', 'tokens'] };
  const table = { ...floats([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]), range: { location: 'table', offset: 0, length: 32 } };
  const links = 50_000;
  const chain = Array.from({ length: links }, (_, at) => op('Identity', [at ? `i${at}` : 'ids'], [`i${at + 1}`]));
  const found = tokensOutside(
    new Graph({
      ...smallModel({ ids: [1, 3] }, [...chain, op('Gather', ['table', `i${links}`], ['rows'])], { table }),
      opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    }),
    ids,
  );
  expect(found?.input.name).toBe('rows');
});

test('a table stays where the graph reads it otherwise too', () => {
  const ids = { name: 'ids', elemType: 7, dims: ['batch', 'tokens'] };
  const table = { ...floats([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]), range: { location: 'table', offset: 0, length: 32 } };
  const model = (nodes: ReturnType<typeof op>[]) =>
    new Graph({
      ...smallModel({ ids: [1, 3] }, nodes, { table }),
      opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    });
  const gather = op('Gather', ['table', 'ids'], ['rows']);
  const twice = op('Add', ['rows', 'rows'], ['out']);
  expect(tokensOutside(model([gather, twice]), ids)?.input).toMatchObject({ name: 'rows' });
  expect(tokensOutside(model([gather, op('MatMul', ['rows', 'table'], ['out'])]), ids)).toBeNull();
  expect(tokensOutside(model([op('Gather', ['table', 'ids'], ['rows'], { axis: 1 }), twice]), ids)).toBeNull();
  expect(
    tokensOutside(model([op('Neg', ['ids'], ['other']), op('Gather', ['table', 'other'], ['rows']), twice]), ids),
  ).toBeNull();
});
