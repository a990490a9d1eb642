// UNets whose exporter fixed the batch (fixtures/architectures/make_static.py), held to diffusers: freed, they are cut
// and forked like any other; where that is not sound they run in the batch that they allow, and predict the same.

import { afterAll, describe, expect, test, vi } from 'vitest';
import { architectures, tensorAt, unetFile, type Architecture } from '../../fixtures/architectures/golden';
import type { SiteRow } from '../diffusion/types';
import { MessageWriter } from '../onnx/file/protobuf';
import { CpuBackend } from './cpuBackend';
import { openModel } from './testing/openModel';
import { readModelFiles } from './modelFiles';
import { elemType, OnnxFile } from './onnxFile';
import { CPU_F32 as BOUND } from './testing/bounds';
import { folder } from './testing/folder';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';
import { Unet } from './unet';

const backend = new CpuBackend(await loadNodeRuntime());
const never = new AbortController().signal;

/**
 * Besides the weights the golden has the timestep's frequencies rounded to f16; the file also has ε of its norms so,
 * which counts for little beside a variance.
 */
const HALF_BOUND = 5 * BOUND;

/** Name, architecture, batch of the export, key of the golden's predictions, bound. */
const FILES: readonly [string, Architecture, number, string, number][] = [
  ['sd-static', 'sd', 2, '', BOUND],
  ['sd-static1', 'sd', 1, '', BOUND],
  ['sd-static16', 'sd', 2, 'frequencies', HALF_BOUND],
  ['sdxl-static', 'sdxl', 2, '', BOUND],
  ['lcm-static', 'lcm', 2, '', BOUND],
];

const plain = (source: number): SiteRow => ({ source, identity: 0 });
const perturbed = (source: number): SiteRow => ({ source, identity: 1 });

async function open(file: Blob, architecture: Architecture): Promise<Unet> {
  return new Unet(
    backend,
    await OnnxFile.open(file, 'unet/model.onnx', { device: backend, openFile: null }),
    architecture === 'lcm' ? { time_cond_proj_dim: 8 } : {},
  );
}

/** One array for each output row. `base` picks rows of the golden's two. Also how many rows each segment was given. */
async function predict(
  unet: Unet,
  architecture: Architecture,
  siteNames: readonly string[],
  base: readonly number[],
  fork: readonly SiteRow[],
) {
  const golden = architectures[architecture];
  const input = (key: string) => golden.inputs[key]!;
  const upload = (info: Parameters<typeof elemType>[0], key: string) => {
    const [
      values,
      {
        shape: [, ...shape],
      },
    ] = [tensorAt(input(key)), input(key)];
    const size = values.length / 2;
    return backend.upload(
      elemType(info),
      [base.length, ...shape],
      base.flatMap((row) => [...values.subarray(row * size, (row + 1) * size)]),
    );
  };
  const { sample, context, textEmbeds, timeIds, timestepCond } = unet.inputs;
  const roles = [
    [context, 'encoder_hidden_states'],
    [textEmbeds, 'text_embeds'],
    [timeIds, 'time_ids'],
    [timestepCond, 'timestep_cond'],
  ] as const;
  const plan = await unet.prepare(unet.sites.filter((site) => siteNames.includes(site.name)));
  const runs = plan.forward!.sessions.map((session) => vi.spyOn(session, 'run'));
  const output = await unet.predict(
    plan,
    {
      sample: upload(sample, 'sample'),
      timestep: tensorAt(input('timestep'))[0]!,
      conditioning: Object.fromEntries(roles.flatMap(([info, key]) => (info ? [[info.name, upload(info, key)]] : []))),
      fork,
    },
    never,
  );
  const rowsGiven = runs.map((run) =>
    run.mock.calls.map(([feeds]) => feeds[context.name]?.dims[0] ?? feeds[sample.name]?.dims[0] ?? 0),
  );
  for (const run of runs) run.mockRestore();
  const values = await backend.read(output);
  const size = values.length / fork.length;
  expect(output.dims[0]).toBe(fork.length);
  return { rows: fork.map((_, row) => values.subarray(row * size, (row + 1) * size)), rowsGiven };
}

function goldenRow(architecture: Architecture, key: string, row: number, rounded = ''): Float32Array {
  const values = tensorAt(architectures[architecture].predictions[rounded]![key]!);
  return values.subarray((row * values.length) / 2, ((row + 1) * values.length) / 2);
}

const table: string[] = [];
afterAll(() => {
  console.info(['file · batch of the export · worst error against diffusers', ...table].join('\n'));
});

describe.each(FILES)('%s', async (name, architecture, exported, rounded, bound) => {
  const golden = architectures[architecture];
  const file = await OnnxFile.open(unetFile(name), `${name}.onnx`, { device: backend, openFile: null });
  const unet = await open(unetFile(name), architecture);
  let worst = 0;
  const check = (row: Float32Array | undefined, key: string, source: number) => {
    const error = relativeError(row as Float32Array, goldenRow(architecture, key, source, rounded));
    expect(error, `${key}, row ${source}`).toBeLessThan(bound);
    worst = Math.max(worst, error);
  };
  afterAll(() => {
    table.push(`${name} · ${exported} · ${worst.toExponential(1)}`);
  });

  test('its batch is free, and its sites are the attn1 modules of diffusers, in order', () => {
    expect(file.inputs.find(({ dims }) => dims?.length === 4)?.dims?.[0]).toBe(exported);
    expect(unet.fixedBatch).toBeNull();
    expect(unet.sites.map((site) => ({ name: site.name, heads: site.heads }))).toEqual(golden.sites);
  });

  test('cut at each site, at several and at all, two rows predict what diffusers does', async () => {
    // Of several files of an architecture the first is cut at each site; they differ in what stands between.
    const isFirst = FILES.find(([, other]) => other === architecture)?.[0] === name;
    const single = golden.sites.at(-1)?.name;
    for (const [key, sites] of Object.entries(golden.sets)) {
      if (!isFirst && sites.length === 1 && key !== single) continue;
      const row = sites.length > 0 ? perturbed : plain;
      const { rows } = await predict(unet, architecture, sites, [0, 1], [row(0), row(1)]);
      rows.forEach((made, source) => {
        check(made, key, source);
      });
    }
  });

  test('the perturbed row forks off behind the first site: two rows before it, three behind', async () => {
    const last = golden.sites.at(-1)?.name ?? '';
    for (const key of [last, 'several', 'all']) {
      const sites = golden.sets[key] ?? [];
      const {
        rows: [uncond, cond, third],
        rowsGiven,
      } = await predict(unet, architecture, sites, [0, 1], [plain(0), plain(1), perturbed(1)]);
      check(uncond, 'none', 0);
      check(cond, 'none', 1);
      check(third, key, 1);
      expect(rowsGiven[0]).toEqual([2]);
      expect(
        rowsGiven
          .slice(1)
          .flat()
          .filter((rows) => rows > 0)
          .every((rows) => rows === 3),
      ).toBe(true);
    }
  });

  test('one row by itself, one row that forks into two, and five together', async () => {
    const one = await predict(unet, architecture, [], [1], [plain(0)]);
    check(one.rows[0], 'none', 1);
    const forked = await predict(
      unet,
      architecture,
      golden.sites.map((site) => site.name),
      [1],
      [plain(0), perturbed(0)],
    );
    check(forked.rows[0], 'none', 1);
    check(forked.rows[1], 'all', 1);
    const five = await predict(unet, architecture, [], [1, 0, 0, 1, 0], [0, 1, 2, 3, 4].map(plain));
    five.rows.forEach((row, index) => {
      check(row, 'none', [1, 0, 0, 1, 0][index]!);
    });
  });
});

describe('a batch that cannot be freed', () => {
  /** `sd-static` with the mean over its batch as a second output: no one row has that. */
  function withMeanOverRows(): Blob {
    const axes = new MessageWriter().string(1, 'axes').varint(8, 0).varint(20, 7);
    const node = new MessageWriter().string(1, 'out_sample').string(2, 'mean').string(4, 'ReduceMean').message(5, axes);
    const output = new MessageWriter()
      .string(1, 'mean')
      .message(2, new MessageWriter().message(1, new MessageWriter().varint(1, 1)));
    // Messages that follow one another are one message.
    return new Blob([
      unetFile('sd-static'),
      new MessageWriter().message(7, new MessageWriter().message(1, node).message(12, output)).finish(),
    ]);
  }

  test('runs three rows in two batches of two, and predicts what diffusers does', async () => {
    const unet = await open(withMeanOverRows(), 'sd');
    expect([unet.fixedBatch, unet.sites.length]).toEqual([2, architectures.sd.sites.length]);
    const {
      rows: [uncond, cond, third],
      rowsGiven,
    } = await predict(
      unet,
      'sd',
      unet.sites.map((site) => site.name),
      [0, 1],
      [plain(0), plain(1), perturbed(1)],
    );
    expect(rowsGiven[0]).toEqual([2, 2]);
    expect(relativeError(uncond as Float32Array, goldenRow('sd', 'none', 0))).toBeLessThan(BOUND);
    expect(relativeError(cond as Float32Array, goldenRow('sd', 'none', 1))).toBeLessThan(BOUND);
    expect(relativeError(third as Float32Array, goldenRow('sd', 'all', 1))).toBeLessThan(BOUND);
  });

  test('it is said, and that rows share nothing; of a freed one neither', async () => {
    const files = await readModelFiles(folder('fixtures/models/tiny'));
    const [{ info: fixed }, { info: freed }] = [
      await openModel(backend, { ...files, unet: withMeanOverRows() }, 'fixed'),
      await openModel(backend, { ...files, unet: unetFile('sd-static') }, 'freed'),
    ];
    expect(fixed.notices.join(' ')).toContain('exported for 2 rows at a time');
    expect(fixed.sites.every(({ share }) => share === 1)).toBe(true);
    expect(freed.notices).toEqual([]);
    expect(freed.sites.every(({ share }) => share !== null && share < 1)).toBe(true);
  });

  test('sliced attention takes rows out one by one', async () => {
    const unet = await open(unetFile('sd-sliced'), 'sd');
    expect(unet.fixedBatch).toBe(2);
    const { rows } = await predict(unet, 'sd', [], [0, 1, 1], [0, 1, 2].map(plain));
    rows.forEach((row, index) => {
      expect(relativeError(row, goldenRow('sd', 'none', Math.min(index, 1)))).toBeLessThan(BOUND);
    });
  });
});
