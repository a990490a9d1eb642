// Files that are wrong, by accident or on purpose. Whatever the bytes, reading, freeing the batch, finding sites,
// cutting and writing end, either well or in an EngineError, in steps that grow with the graph. `npm run fuzz` runs the
// same with more cases and a seed of choice.

import { openAsBlob } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unetFile } from '../../fixtures/architectures/golden';
import { EngineError } from '../protocol/errors';
import { cut } from './segments/cut';
import { freeBatch } from './passes/freeBatch/freeBatch';
import { Graph } from './graph/graph';
import { graphNeeds } from './graph/needs';
import { FLOAT, type Model, type GraphNode } from './file/model';
import { readsOf } from './file/order';
import { MessageWriter } from './file/protobuf';
import { readModel } from './file/read';
import { runnable, runnableNodes, type DeviceTraits } from './passes/runnable';
import { siteCosts } from './sites/cost';
import { surveySites } from './sites/sites';
import { countVisits } from './testing/countVisits';
import { mutate, randomBytes, seeded, type Random } from './testing/mutate';
import { writeSegment } from './segments/write';

const CASES = Number(process.env['FUZZ_CASES'] ?? 125);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
/** Of reads of nodes, where a graph is twice as long: 2 where the work is linear, and some for what does not grow. */
const TWICE = 2.05;

/** All that is done with a model file before ONNX Runtime sees it. Returns the number of sites. */
async function whole(file: Blob): Promise<number> {
  return passes(await readModel(file, 'model.onnx'));
}

/** What differs between devices: f16, and whether ONNX Runtime's fused attention is right there. */
const DEVICES: readonly DeviceTraits[] = [
  { f16: true, fusesAttention: false },
  { f16: true, fusesAttention: true },
  { f16: false, fusesAttention: true },
];

function passes(model: Model): number {
  const counts = DEVICES.map((device) => {
    const { model: form } = runnable(model, device);
    const graph = new Graph(form);
    const sites = surveySites(graph).sites;
    graphNeeds(form, new Map());
    siteCosts(graph, sites, new Map());
    for (const chosen of [[], sites.slice(0, 1), sites]) {
      for (const segment of cut(graph, chosen)) {
        const nodes = runnableNodes(graph, segment.nodes, { partsAttention: !device.f16 });
        writeSegment(form, { ...segment, nodes });
      }
    }
    const { model: freed, why } = freeBatch(form);
    expect(freed === null).toBe(why !== '');
    if (freed) {
      const freeGraph = new Graph(freed);
      for (const segment of cut(freeGraph, surveySites(freeGraph).sites)) writeSegment(freed, segment);
    }
    return sites.length;
  });
  return counts[0] ?? 0;
}

/** Throws where `file` is neither taken nor refused with an EngineError. Returns what became of it. */
async function outcome(file: Blob): Promise<'taken' | 'refused'> {
  try {
    await whole(file);
    return 'taken';
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return 'refused';
  }
}

/**
 * Some nodes of a model as a file of their own, with what is known of its sizes:
 * the scanner's work on them is that on a whole UNet.
 */
async function partOf(
  file: Blob,
  choose: (nodes: readonly GraphNode[]) => readonly GraphNode[],
): Promise<Uint8Array<ArrayBuffer>> {
  const model = await readModel(file, 'model.onnx');
  const graph = new Graph(model);
  const nodes = choose(model.nodes);
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const read = new Set(nodes.flatMap(readsOf));
  const inputs = [...read].filter((value) => !made.has(value) && !model.initializers.has(value));
  const outputs = [...made].filter((value) => !read.has(value));
  const declared = inputs.map((name) => ({
    name,
    elemType: FLOAT,
    dims: graph.shape(name)?.map((dim) => dim ?? '') ?? null,
  }));
  return writeSegment({ ...model, inputs: declared }, { nodes, inputs, outputs, sites: [] }).bytes;
}

/** The names that stand in a file. */
async function namesIn(file: Uint8Array<ArrayBuffer>): Promise<Uint8Array[]> {
  const { nodes } = await readModel(new Blob([file]), 'model.onnx');
  const encoder = new TextEncoder();
  return [...new Set(nodes.flatMap((node) => [node.opType, ...node.outputs, ...readsOf(node)]))].map((name) =>
    encoder.encode(name),
  );
}

const firstUpTo = (opType: string, before: number) => (nodes: readonly GraphNode[]) => {
  const at = nodes.findIndex((node) => node.opType === opType);
  return nodes.slice(at - before, at + 1);
};

const small = await partOf(await openAsBlob('fixtures/models/tiny/unet/model.onnx'), (nodes) =>
  nodes.filter((node) => node.name.includes('mid_block/attentions.0/transformer_blocks.0/attn1')),
);
/** Of a UNet whose batch is fixed: from a feature map [2, 8, 8, 8] through a self-attention. */
const fixed = await partOf(unetFile('sd-static'), (nodes) => {
  const from = nodes.findIndex((node) => node.name.endsWith('down_blocks.0/attentions.0/norm/Constant'));
  const to = nodes.findIndex((node) =>
    node.name.endsWith('down_blocks.0/attentions.0/transformer_blocks.0/attn1/to_out.0/Add'),
  );
  return nodes.slice(from, to + 1);
});
const GOOD: readonly [string, Uint8Array<ArrayBuffer>][] = [
  ['separate operators', small],
  ['packed heads', await partOf(unetFile('sd-packed16'), firstUpTo('MultiHeadAttention', 2))],
  ['a packed projection', await partOf(unetFile('sd-fused'), firstUpTo('Attention', 0))],
  ['a fixed batch', fixed],
];

test.each(GOOD)('the file that is damaged below is a good one, with its site: %s', async (_, good) => {
  expect(await whole(new Blob([good]))).toBe(1);
});

test('the one with a fixed batch can be freed', async () => {
  expect(freeBatch(await readModel(new Blob([fixed]), 'model.onnx')).why).toBe('');
});

async function run(cases: number, seed: number, make: (random: Random) => Uint8Array<ArrayBuffer>) {
  const count = { taken: 0, refused: 0 };
  for (let index = 0; index < cases; index += 1) {
    const file = make(seeded(seed + index));
    try {
      count[await outcome(new Blob([file]))] += 1;
    } catch (cause) {
      throw new Error(`Seed ${seed + index} of ${file.length} bytes was neither taken nor refused.`, { cause });
    }
  }
  return count;
}

describe(`${CASES} damaged files from seed ${SEED}`, () => {
  test.each(GOOD)(
    'fields, lengths, bytes and names of an attention in %s',
    async (_, good) => {
      const names = await namesIn(good);
      const count = await run(CASES, SEED, (random) => {
        let file = mutate(good, random, names);
        for (let more = random(4); more > 0; more -= 1) file = mutate(file, random, names);
        return file;
      });
      // Damage that the scanner always or never notices would test little of what lies behind it.
      expect(Math.min(count.taken, count.refused), JSON.stringify(count)).toBeGreaterThan(CASES / 20);
    },
    Infinity,
  );

  test(
    'random bytes, with and without the head of a model',
    async () => {
      const count = await run(CASES / 4, SEED, (random) => {
        const noise = randomBytes(random, random(400));
        return random(2) ? noise : Uint8Array.from([...small.subarray(0, random(small.length)), ...noise]);
      });
      expect(count.refused).toBeGreaterThan(CASES / 8);
    },
    Infinity,
  );
});

describe('graphs made to be endless', () => {
  const node = (opType: string, inputs: readonly string[], outputs: readonly string[]) => {
    const message = new MessageWriter();
    for (const input of inputs) message.string(1, input);
    for (const output of outputs) message.string(2, output);
    return message.string(4, opType);
  };
  const named = (name: string) => new MessageWriter().string(1, name);
  const file = (nodes: readonly MessageWriter[], inputs: readonly string[] = []) => {
    const graph = new MessageWriter();
    for (const one of nodes) graph.message(1, one);
    for (const input of inputs) graph.message(11, named(input));
    return new Blob([
      new MessageWriter()
        .varint(1, 8)
        .message(7, graph.message(12, named('out')))
        .finish(),
    ]);
  };
  const softmaxOf = (value: string) => [node('Softmax', [value], ['p']), node('MatMul', ['p', 'p'], ['out'])];
  const chain = (length: number, link: (index: number) => MessageWriter) =>
    Array.from({ length }, (_, index) => link(index));

  test.each<[string, Blob]>([
    [
      'a cycle before a softmax',
      file([node('Identity', ['b'], ['a']), node('Identity', ['a'], ['b']), ...softmaxOf('a')]),
    ],
    ['a node that reads itself', file([node('Cast', ['a'], ['a']), ...softmaxOf('a')])],
    [
      'a value that is made twice',
      file([node('Erf', ['x'], ['a']), node('Erf', ['x'], ['a']), ...softmaxOf('a')], ['x']),
    ],
    ['a value that nothing makes', file(softmaxOf('a'))],
    [
      'a node with 200,000 inputs',
      file([node('Concat', new Array<string>(200_000).fill('x'), ['a']), ...softmaxOf('a')], ['x']),
    ],
    [
      '150,000 nodes',
      file([...chain(150_000, (i) => node('Erf', [`c${i}`], [`c${i + 1}`])), ...softmaxOf('c150000')], ['c0']),
    ],
    [
      'subgraphs in subgraphs',
      (() => {
        let inner = new MessageWriter().message(1, node('Add', ['x', 'x'], ['y'])).finish();
        for (let depth = 0; depth < 2000; depth += 1) {
          const branch = new MessageWriter().string(1, 'then_branch').bytes(6, inner);
          inner = new MessageWriter().message(1, node('If', ['x'], ['y']).message(5, branch)).finish();
        }
        return file(
          [
            node('If', ['x'], ['a']).message(5, new MessageWriter().string(1, 'then_branch').bytes(6, inner)),
            ...softmaxOf('a'),
          ],
          ['x'],
        );
      })(),
    ],
  ])('%s is refused', async (_, blob) => {
    expect(await outcome(blob)).toBe('refused');
  });

  const reads = async (blob: Blob) => {
    const { model, visits } = countVisits(await readModel(blob, 'model.onnx'));
    passes(model);
    return visits();
  };

  test.each<[string, (length: number) => Blob]>([
    [
      'a chain of square roots',
      (length) =>
        file(
          [
            ...chain(length, (i) => node('Sqrt', [`c${i}`], [`c${i + 1}`])),
            node('Mul', ['c0', `c${length}`], ['l']),
            ...softmaxOf('l'),
          ],
          ['c0'],
        ),
    ],
    [
      'Concats that double',
      (length) =>
        file([
          node('Constant', [], ['c0']).message(
            5,
            new MessageWriter().string(1, 'value_ints').varint(8, 1).varint(8, 2),
          ),
          ...chain(length, (i) => node('Concat', [`c${i}`, `c${i}`], [`c${i + 1}`])),
          node('Mul', ['c0', `c${length}`], ['l']),
          ...softmaxOf('l'),
        ]),
    ],
    [
      'softmaxes behind scalings',
      (length) =>
        file(
          [
            ...chain(length, (i) => node('Identity', [`c${i}`], [`c${i + 1}`])),
            ...chain(length, (i) => node('Softmax', [`c${length}`], [`p${i}`])),
            node('MatMul', ['p0', 'p1'], ['out']),
          ],
          ['c0'],
        ),
    ],
    [
      'attentions that read the same scalings',
      (length) =>
        file(
          [
            ...chain(length, (i) => node('Identity', [`c${i}`], [`c${i + 1}`])),
            ...chain(length, (i) => node('Softmax', [`c${length}`], [`p${i}`])),
            ...chain(length, (i) => node('MatMul', [`p${i}`, 'c0'], [`m${i}`])),
            node('Add', ['m0', 'm1'], ['out']),
          ],
          ['c0'],
        ),
    ],
    [
      'Concats of feature maps',
      (length) =>
        file(
          [
            ...chain(length, (i) => node('Conv', [`c${i}`, 'w'], [`c${i + 1}`])),
            ...chain(length, (i) => node('Concat', [i === 0 ? 'c0' : `j${i - 1}`, `c${length - i}`], [`j${i}`])),
            ...softmaxOf(`j${length - 1}`),
          ],
          ['c0', 'w'],
        ),
    ],
  ])('%s: twice as many cost twice as much', async (_, make) => {
    const [one, two] = [await reads(make(1_000)), await reads(make(2_000))];
    expect(two / one, `${one} and ${two} reads of nodes`).toBeLessThan(TWICE);
  });

  test('nodes out of order are put in order', async () => {
    const model = await readModel(file([...softmaxOf('a'), node('Erf', ['x'], ['a'])], ['x']), 'model.onnx');
    expect(model.nodes.map(({ opType }) => opType)).toEqual(['Erf', 'Softmax', 'MatMul']);
  });
});
