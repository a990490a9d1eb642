// The two backends take the same steps: whole trajectories of every scheduler on WebGPU, against the CPU's. The "model"
// is the tensor that it reads, so history, noise and clamping go through the backends' own tensors.

import { expect, test } from 'vitest';
import type { SchedulerId } from '../diffusion/schedulers';
import { makeStepTable } from '../diffusion/schedulers';
import { historyLength, needsNoise, noisedAs } from '../diffusion/stepTable';
import type { StepTable } from '../diffusion/types';
import { pseudoRandom } from '../kernels/testing/buffers';
import { describeOnDawn } from '../kernels/testing/dawn';
import { cut } from '../onnx/segments/cut';
import { Graph } from '../onnx/graph/graph';
import { FLOAT, INT32, INT64 } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import { op, smallModel } from '../onnx/testing/smallModel';
import { writeSegment } from '../onnx/segments/write';
import type { Backend, DeviceTensor } from './backend';
import { CpuBackend } from './cpuBackend';
import { GpuBackend } from './gpuBackend';
import { loadNodeGpuRuntime, loadNodeRuntime } from './testing/nodeRuntime';
import { relativeError } from './testing/unetChecks';

const SHAPE = [2, 4, 5, 3];
const COUNT = 2 * 4 * 5 * 3;
const CONFIG = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  prediction_type: 'v_prediction',
  clip_sample: true,
};
const IDS: readonly SchedulerId[] = [
  'ddim',
  'ddpm',
  'euler',
  'euler-a',
  'heun',
  'dpmpp-2m',
  'dpmpp-2m-sde',
  'dpmpp-sde',
  'lms',
  'pndm',
  'unipc',
  'lcm',
];

/** @param isMasked where a mask of half the latents blends a known image in behind each step. */
async function trajectory(backend: Backend, table: StepTable, isMasked = false): Promise<Float32Array> {
  const kept = historyLength(table);
  let latents = backend.upload(
    'float32',
    SHAPE,
    pseudoRandom(COUNT, 1, 2).map((value) => value * table.initNoiseSigma),
  );
  let history = backend.upload('float32', [kept, ...SHAPE], new Float32Array(kept * COUNT));
  for (const [index, coefficients] of table.steps.entries()) {
    // Two rows an image: each what the model would read of it.
    const predictions = await backend.modelInput(latents, [0, 0, 1, 1], coefficients.inputScale, 'float32', 0.1);
    const noise = needsNoise(coefficients) ? backend.upload('float32', SHAPE, pseudoRandom(COUNT, 2 + index, 2)) : null;
    const next = await backend.guidedStep({
      predictions,
      latents,
      history,
      noise,
      weights: [
        [-2, 2.5, 0, 0],
        [0, 0, 0.5, -0.25],
      ],
      coefficients,
    });
    for (const tensor of [predictions, latents, history, noise, next.denoised]) tensor?.dispose();
    ({ latents, history } = next);
    const after = table.steps[index + 1];
    if (!isMasked) continue;
    const [start, startNoise] = [40, 41].map((seed) => backend.upload('float32', SHAPE, pseudoRandom(COUNT, seed, 2)));
    const mask = backend.upload('float32', [5, 3], [0, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1]);
    const given = { latents, start: start!, startNoise: startNoise!, mask };
    latents = await backend.maskBlend({ ...given, known: after ? noisedAs(after) : { sample: 1, noise: 0 } });
    for (const tensor of Object.values(given)) tensor.dispose();
  }
  return backend.read(latents);
}

describeOnDawn('a run of steps on WebGPU', (gpu) => {
  test.each(IDS)('%s ends where it does on the CPU', async (id) => {
    const table = makeStepTable(id, CONFIG, 6, { sigmas: 'model', spacing: 'leading' });
    const expected = await trajectory(new CpuBackend(await loadNodeRuntime()), table);
    const got = await trajectory(
      new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false }),
      table,
    );
    // Rounding of f32, carried through six steps.
    expect(relativeError(got, expected)).toBeLessThan(2e-5);
  });

  test.each(['euler-a', 'heun', 'pndm'] as const)('%s ends where it does on the CPU with a mask', async (id) => {
    const table = makeStepTable(id, CONFIG, 6, { sigmas: 'model', spacing: 'leading' });
    const [cpu, gpuBackend] = [
      new CpuBackend(await loadNodeRuntime()),
      new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false }),
    ];
    const expected = await trajectory(cpu, table, true);
    expect(relativeError(await trajectory(gpuBackend, table, true), expected)).toBeLessThan(2e-5);
    // Where the mask is 0 the known image is what a run ends with.
    const known = pseudoRandom(COUNT, 40, 2);
    expect([expected[0], expected[2], expected[15]]).toEqual([known[0], known[2], known[15]]);
    expect(expected[1]).not.toBe(known[1]);
  });

  test('rows are picked and joined as on the CPU, and the last batch may be cut short', async () => {
    const join = async (backend: Backend) => {
      const tensor = backend.upload('float32', SHAPE, pseudoRandom(COUNT, 3, 2));
      const parts = [
        [1, 0],
        [0, 1],
        [1, 1],
      ].map((rows) => backend.gatherRows(tensor, rows));
      const joined = backend.joinRows(parts, 5);
      expect(joined.dims).toEqual([5, ...SHAPE.slice(1)]);
      return backend.read(joined);
    };
    const expected = await join(new CpuBackend(await loadNodeRuntime()));
    const [first, second] = [pseudoRandom(COUNT, 3, 2).slice(0, COUNT / 2), pseudoRandom(COUNT, 3, 2).slice(COUNT / 2)];
    expect(expected).toEqual(Float32Array.from([second, first, first, second, second].flatMap((row) => [...row])));
    expect(
      await join(new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false })),
    ).toEqual(expected);
  });

  test.each([
    ['int64', INT64],
    ['int32', INT32],
  ] as const)('so are rows of %s, as sizes of a picture may be, and a session reads them', async (type, elemType) => {
    const taken = smallModel({ ids: ['rows', 3] }, [op('Cast', ['ids'], ['out'], { to: FLOAT })]);
    const model = {
      ...taken,
      inputs: [{ name: 'ids', elemType, dims: ['rows', 3] }],
      opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    };
    const through = async (backend: Backend) => {
      const session = await backend.createSession(
        writeSegment(model, cut(new Graph(model), [])[0]!).bytes,
        new Blob([]),
        'ids',
      );
      const ids = backend.upload(type, [2, 3], [512, 768, 0, -1, 2, 70_000]);
      const { out } = await session.run({
        ids: backend.joinRows([backend.gatherRows(ids, [1, 0]), backend.gatherRows(ids, [1, 1])], 3),
      });
      const values = await backend.read(out as DeviceTensor);
      await session.dispose();
      return [out?.dims, [...values]];
    };
    const expected = [
      [3, 3],
      [-1, 2, 70_000, 512, 768, 0, -1, 2, 70_000],
    ];
    expect(await through(new CpuBackend(await loadNodeRuntime()))).toEqual(expected);
    expect(
      await through(new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false })),
    ).toEqual(expected);
  });
});
