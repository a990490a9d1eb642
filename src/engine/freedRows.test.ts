// Whether freeing a batch is sound, beyond the graphs that exporters write: damaged ones, from a seed. Whatever was
// freed and could run before gives each row what it gave it then, alone, among others and in another order.
// `npm run fuzz` runs this with more cases too.

import { describe, expect, test } from 'vitest';
import { unetFile } from '../../fixtures/architectures/golden';
import { cut } from '../onnx/segments/cut';
import { Graph } from '../onnx/graph/graph';
import { FLOAT } from '../onnx/file/model';
import { readsOf } from '../onnx/file/order';
import { readModel } from '../onnx/file/read';
import { mutate, seeded } from '../onnx/testing/mutate';
import { writeSegment } from '../onnx/segments/write';
import { elements } from './backend';
import { CpuBackend } from './cpuBackend';
import { OnnxFile } from './onnxFile';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

/** A case builds up to four sessions. */
const CASES = Math.ceil(Number(process.env['FUZZ_CASES'] ?? 1000) / 25);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
/** f32 sums in another order, in graphs that may blow them up. */
const BOUND = 1e-4;
/** Operators that mix rows or nearly do, for damage to choose from beside those of the graph. */
const TEMPTING = [
  'ReduceMean',
  'ReduceMax',
  'Concat',
  'Gather',
  'Slice',
  'Squeeze',
  'Flatten',
  'Softmax',
  'Expand',
  'Reshape',
  'Transpose',
];

const backend = new CpuBackend(await loadNodeRuntime());

/** The first transformer of a UNet up to the halves of its GEGLU, and its weights. */
async function transformerOf(id: string) {
  const whole = unetFile(id);
  const model = await readModel(whole, id);
  const graph = new Graph(model);
  const at = (name: string) =>
    model.nodes.findIndex((node) => node.name.endsWith(`down_blocks.0/attentions.0/${name}`));
  const nodes = model.nodes.slice(at('norm/Constant'), at('transformer_blocks.0/ff/net.0/Slice_1') + 1);
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const read = new Set(nodes.flatMap(readsOf));
  const inputs = [...read].filter((value) => !made.has(value) && !model.initializers.has(value));
  const outputs = [...made].filter((value) => !read.has(value));
  const declared = [...inputs, ...outputs].map((name) => ({
    name,
    elemType: FLOAT,
    dims: graph.shape(name)?.map((dim) => dim ?? '') ?? null,
  }));
  const { bytes, parts } = writeSegment({ ...model, inputs: declared }, { nodes, inputs, outputs, sites: [] });
  const weights = new Blob(parts.map(({ offset, length }) => whole.slice(offset, offset + length)));
  const names = [
    ...new Set([...TEMPTING, ...nodes.flatMap((node) => [node.opType, ...node.outputs, ...readsOf(node)])]),
  ].map((name) => new TextEncoder().encode(name));
  return { bytes, weights, names };
}

/** Each output's rows, for rows of made-up inputs. */
async function run(file: OnnxFile, rows: readonly number[]): Promise<Map<string, Float32Array[]>> {
  const session = await file.session(backend, cut(file.graph, [])[0]!);
  try {
    const feeds = Object.fromEntries(
      file.inputs.map(({ name, dims }) => {
        const own = (dims ?? []).slice(1).map(Number);
        const values = rows.flatMap((row) =>
          Array.from({ length: elements(own) }, (_, at) => 2 * Math.sin(1 + 17.3 * row + 0.7 * at + name.length)),
        );
        return [name, backend.upload('float32', [rows.length, ...own], values)];
      }),
    );
    const found = new Map<string, Float32Array[]>();
    for (const [name, tensor] of Object.entries(await session.run(feeds))) {
      const values = await backend.read(tensor);
      const size = values.length / rows.length;
      found.set(
        name,
        rows.map((_, at) => values.subarray(at * size, (at + 1) * size)),
      );
    }
    return found;
  } finally {
    await session.dispose();
  }
}

/** null where a file is refused or does not run, as damage does to most. */
async function unlessRefused<T>(attempt: () => Promise<T>): Promise<T | null> {
  try {
    return await attempt();
  } catch {
    return null;
  }
}

describe.each([
  ['sd-static', 2],
  ['sd-static1', 1],
] as const)(`${CASES} damaged graphs from seed ${SEED}: %s`, async (id, batch) => {
  const { bytes, weights, names } = await transformerOf(id);

  test(
    'what was freed gives each row what it gave before',
    async () => {
      let equal = 0;
      for (let index = 0; index < CASES; index += 1) {
        const random = seeded(SEED + index);
        let damaged = mutate(bytes, random, names);
        if (random(2) > 0) damaged = mutate(damaged, random, names);
        const file = await unlessRefused(() =>
          OnnxFile.open(new Blob([damaged]), 'model.onnx', {
            device: backend,
            openFile: () => Promise.resolve(weights),
          }),
        );
        const freed = file?.withFreeBatch().file;
        const before = file && freed !== file ? await unlessRefused(() => run(file, [0, 1].slice(0, batch))) : null;
        if (!freed || !before) continue;
        for (const rows of [[0, 1, 2], [0], [2, 1, 0, 1]]) {
          const after = await unlessRefused(() => run(freed, rows));
          if (!after)
            throw new Error(
              `Seed ${SEED + index} ran before its batch was freed, and not with ${rows.length} rows behind.`,
            );
          for (const [name, made] of after) {
            rows.forEach((row, at) => {
              const expected = before.get(name)?.[row];
              if (!expected?.every(Number.isFinite)) return;
              expect(
                relativeError(made[at]!, expected),
                `seed ${SEED + index}, ${name}, row ${row} of ${rows.join(', ')}`,
              ).toBeLessThan(BOUND);
            });
          }
        }
        equal += 1;
      }
      // Damage that is always noticed would test nothing.
      if (CASES > 20) expect(equal).toBeGreaterThan(CASES / 10);
    },
    Infinity,
  );
});
