// The cut UNet on the WASM provider, with the CPU twins at the sites, against the independently edited graph.

import { openAsBlob } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Graph } from '../onnx/graph/graph';
import { readModel } from '../onnx/file/read';
import { withTypedWeights } from '../onnx/testing/typedWeights';
import { CpuBackend } from './cpuBackend';
import { loadNodeRuntime } from './testing/nodeRuntime';
import {
  goldenRow,
  openGoldenUnet,
  predictRows,
  relativeError,
  withNoiseForQueriesAndKeys,
} from './testing/unetChecks';

// f32 sums in another order; both run ONNX Runtime's own kernels for everything but the sites.
const BOUND = 2e-5;
const backend = new CpuBackend(await loadNodeRuntime());

const FORK = [
  { source: 0, identity: 0 },
  { source: 1, identity: 0 },
  { source: 1, identity: 1 },
];
const KEEP = [
  { source: 0, identity: 0 },
  { source: 1, identity: 0 },
];

describe.each(['tiny', 'pocket'] as const)('%s', async (id) => {
  const opened = await openGoldenUnet(id, backend);
  const { golden, unet } = opened;

  test.each([...golden.predictions.keys()].filter((key) => key !== 'none'))(
    'forked at %s it equals the edited graph',
    async (key) => {
      const { sites } = golden.predictions.get(key) as { sites: readonly string[] };
      const [uncond, cond, perturbed] = await predictRows(opened, backend, sites, [0, 1], FORK);
      expect(relativeError(uncond as Float32Array, goldenRow(golden, 'none', 0))).toBeLessThan(BOUND);
      expect(relativeError(cond as Float32Array, goldenRow(golden, 'none', 1))).toBeLessThan(BOUND);
      expect(relativeError(perturbed as Float32Array, goldenRow(golden, key, 1))).toBeLessThan(BOUND);
      expect(relativeError(perturbed as Float32Array, cond as Float32Array)).toBeGreaterThan(100 * BOUND);
    },
  );

  test('uncut it equals the reference', async () => {
    const rows = await predictRows(opened, backend, [], [0, 1], KEEP);
    expect(relativeError(rows[0]!, goldenRow(golden, 'none', 0))).toBeLessThan(BOUND);
    expect(relativeError(rows[1]!, goldenRow(golden, 'none', 1))).toBeLessThan(BOUND);
  });

  test('without CFG one row forks into two (PAG property 8)', async () => {
    const mid = golden.predictions.get('mid')?.sites ?? [];
    const [cond, perturbed] = await predictRows(
      opened,
      backend,
      mid,
      [1],
      [
        { source: 0, identity: 0 },
        { source: 0, identity: 1 },
      ],
    );
    expect(relativeError(cond as Float32Array, goldenRow(golden, 'none', 1))).toBeLessThan(BOUND);
    expect(relativeError(perturbed as Float32Array, goldenRow(golden, 'mid', 1))).toBeLessThan(BOUND);
  });

  test('rows together, one by one and forked agree; nothing leaks from perturbed ones (properties 2, 3)', async () => {
    const mid = golden.predictions.get('mid')?.sites ?? [];
    const [before] = await predictRows(opened, backend, mid, [1], [{ source: 0, identity: 0 }]);
    const together = await predictRows(opened, backend, mid, [0, 1], FORK);
    const [after] = await predictRows(opened, backend, mid, [1], [{ source: 0, identity: 0 }]);
    expect(after).toEqual(before);
    expect(relativeError(together[1]!, before as Float32Array)).toBeLessThan(BOUND);
  });

  test('the perturbed row does not see the negative prompt (property 7)', async () => {
    const mid = golden.predictions.get('mid')?.sites ?? [];
    const context = golden.inputs.encoderHiddenStates.data.slice();
    for (let at = 0; at < context.length / 2; at += 1) context[at] = Math.sin(at);
    const plain = await predictRows(opened, backend, mid, [0, 1], FORK);
    const other = await predictRows(opened, backend, mid, [0, 1], FORK, { context });
    expect(other[2]).toEqual(plain[2]);
    expect(other[0]).not.toEqual(plain[0]);
  });

  test.each(['mid', 'all'])(
    'the prediction perturbed at %s does not depend on to_q and to_k there (property 4)',
    async (key) => {
      const sites = golden.predictions.get(key)?.sites ?? [];
      const noisy = await openGoldenUnet(id, backend, (model) => withNoiseForQueriesAndKeys(model, sites));
      const plain = await predictRows(opened, backend, sites, [0, 1], FORK);
      const other = await predictRows(noisy, backend, sites, [0, 1], FORK);
      expect(other[2]).toEqual(plain[2]);
      expect(other[1]).not.toEqual(plain[1]);
    },
  );

  test('identity blends: u = 0.5 lies between attention and PAG', async () => {
    const mid = golden.predictions.get('mid')?.sites ?? [];
    const rows = await predictRows(
      opened,
      backend,
      mid,
      [1],
      [0, 0.5, 1].map((identity) => ({ source: 0, identity })),
    );
    const half = relativeError(rows[1]!, rows[0]!);
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(relativeError(rows[2]!, rows[0]!));
  });

  test('another layer set keeps the segments that did not change', async () => {
    const before = await unet.prepare(unet.sites.slice(0, 1));
    const after = await unet.prepare(unet.sites.slice(0, 2));
    expect(after.forward!.sessions[0]).toBe(before.forward!.sessions[0]);
    expect(after.forward!.sessions[1]).not.toBe(before.forward!.sessions[1]);
  });
});

describe('weights in the fields of their type', () => {
  test.each(['tiny', 'tiny-f16'] as const)('%s predicts the same', async (id) => {
    const [plain, typed] = [await openGoldenUnet(id, backend), await openGoldenUnet(id, backend, withTypedWeights)];
    const mid = plain.golden.predictions.get('mid')?.sites ?? [];
    expect(await predictRows(typed, backend, mid, [0, 1], FORK)).toEqual(
      await predictRows(plain, backend, mid, [0, 1], FORK),
    );
  });

  test('float_data is used in place', async () => {
    const { model } = new Graph(
      await readModel(
        await withTypedWeights(await openAsBlob('fixtures/models/tiny/unet/model.onnx')),
        'unet/model.onnx',
      ),
    );
    const large = [...model.initializers.values()].filter(
      ({ dims }) => dims.reduce((product, size) => product * size, 4) > 1024,
    );
    expect(large.length).toBeGreaterThan(10);
    expect(large.filter((weight) => weight.range === null)).toEqual([]);
  });
});
