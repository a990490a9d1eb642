// Attention in the forms that it is rewritten to gives what it gave as separate operators, and one operator of many
// tokens, which ONNX Runtime's WASM cannot count, what the definition gives.

import { describe, expect, test } from 'vitest';
import { cut, type Segment } from '../onnx/segments/cut';
import { fuseAttention } from '../onnx/passes/fuse';
import { Graph } from '../onnx/graph/graph';
import { makeNode } from '../onnx/file/makeNode';
import { FLOAT, type Model } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import { attentionGraph } from '../onnx/testing/attentionGraph';
import { writeSegment } from '../onnx/segments/write';
import { pseudoRandom } from '../kernels/testing/buffers';
import { naiveAttention } from '../kernels/testing/naiveAttention';
import type { DeviceTensor } from './backend';
import { CpuBackend } from './cpuBackend';
import { OnnxFile } from './onnxFile';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

const backend = new CpuBackend(await loadNodeRuntime());

async function run(model: Model, tokens: number, channels: number): Promise<Float32Array> {
  const [whole] = cut(new Graph(model), []) as [Segment];
  const session = await backend.createSession(writeSegment(model, whole).bytes, new Blob());
  const dims = [2, tokens, channels];
  const x = backend.upload(
    'float32',
    dims,
    Float32Array.from({ length: 2 * tokens * channels }, (_, at) => Math.sin(at * (1 + 0.001 * at))),
  );
  const { out } = await session.run({ x });
  expect(out?.dims).toEqual(dims);
  const values = await backend.read(out as DeviceTensor);
  await session.dispose();
  return values;
}

test.each([
  ['MultiHeadAttention', 4, 128, 64],
  ['sixteen parts of the queries', 1, 288, 64],
  ['parts that are not all of one size', 1, 288, 37],
])('%s', async (_, heads, channels, tokens) => {
  const plain = attentionGraph(heads, channels);
  const fused = fuseAttention(plain);
  expect(fused).not.toBe(plain);
  expect(relativeError(await run(fused, tokens, channels), await run(plain, tokens, channels))).toBeLessThan(1e-5);
});

describe('one operator of so many tokens that its operations or logits leave 32 bits', () => {
  const opset = (domain: string, version: number) => new MessageWriter().string(1, domain).varint(2, version).finish();

  /** Q [1, S, heads·dim], K and V [1, T, heads·dim], or with an axis of heads in front of the tokens. */
  function oneOperator(domain: string, opType: string, heads: number, dim: number): Model {
    const value = (name: string) => ({
      name,
      elemType: FLOAT,
      dims: opType === 'FourAxes' ? ['rows', heads, `${name}.tokens`, dim] : ['rows', `${name}.tokens`, heads * dim],
    });
    const attributes = { MultiHeadAttention: ['num_heads'], Attention: ['q_num_heads', 'kv_num_heads'] }[opType] ?? [];
    const node = makeNode(
      { name: 'attention', opType: opType === 'FourAxes' ? 'Attention' : opType, domain },
      ['q', 'k', 'v'],
      ['out'],
      Object.fromEntries(attributes.map((name) => [name, { int: heads }])),
    );
    return {
      irVersion: 10,
      opsets: [opset('', 23), opset('com.microsoft', 1)],
      functions: [],
      nodes: [node],
      initializers: new Map(),
      inputs: ['q', 'k', 'v'].map(value),
      outputs: [value('out')],
      valueInfo: new Map(),
    };
  }

  test.each([
    ['com.microsoft', 'MultiHeadAttention', 1, 64, 4096, 4096],
    ['com.microsoft', 'MultiHeadAttention', 1, 64, 1025, 16400],
    // A head dim for which it is not made MultiHeadAttention.
    ['', 'Attention', 1, 66, 4096, 4096],
    ['', 'FourAxes', 1, 64, 4096, 4096],
  ])('%s %s, %i × %i, %i queries on %i keys', async (domain, opType, heads, dim, queries, keys) => {
    const model = oneOperator(domain, opType, heads, dim);
    const file = OnnxFile.built(model, 'attention.onnx', { device: backend, openFile: null });
    const session = await file.session(backend, file.upTo(['out']));
    const feed = (seed: number, tokens: number) => {
      const dims = opType === 'FourAxes' ? [1, heads, tokens, dim] : [1, tokens, heads * dim];
      return backend.upload('float32', dims, pseudoRandom(heads * dim * tokens, seed, 2));
    };
    const feeds = { q: feed(1, queries), k: feed(2, keys), v: feed(3, keys) };
    const { out } = await session.run(feeds);
    const [q, k, v, found] = (await Promise.all(
      [feeds.q, feeds.k, feeds.v, out as DeviceTensor].map((tensor) => backend.read(tensor)),
    )) as [Float32Array, Float32Array, Float32Array, Float32Array];
    expect(found).toHaveLength(q.length);
    const shape = { sourceRows: 1, tokens: keys, heads, headDim: dim, scale: 1 / Math.sqrt(dim) };
    // Queries beside both ends, and of each part at least one.
    const step = Math.ceil(queries / 4);
    const asked = [...new Set([0, 1, queries - 1, ...Array.from({ length: 4 }, (_, at) => at * step)])].filter(
      (token) => token < queries,
    );
    for (const token of asked) {
      const own = q.subarray(token * heads * dim, (token + 1) * heads * dim);
      for (let head = 0; head < heads; head += 1) {
        // The definition's queries are as many as its keys: this one is put in the place of the first.
        const at = (token * heads + head) * dim;
        const expected = naiveAttention(shape, { q: own, k, v }, { source: 0, identity: 0 }, 0, head);
        expect(relativeError(found.slice(at, at + dim), Float32Array.from(expected))).toBeLessThan(1e-5);
      }
    }
    await session.dispose();
  });
});
