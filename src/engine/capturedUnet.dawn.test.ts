// The UNet's segments recorded and replayed, on Dawn in Node: held to the independently edited graph as ordinary runs
// are, with other inputs, rows and cuts in between, and what a replayed forward costs the CPU, counted.

import '../kernels/testing/preferSwiftShader';
import { beforeAll, expect, test, vi } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { makeNode } from '../onnx/file/makeNode';
import { FLOAT, INT64 } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import { writeSegment } from '../onnx/segments/write';
import type { CapturedSession, Capturing } from './backend';
import { replaysRecordings } from './captureCheck';
import { GpuBackend } from './gpuBackend';
import { WrongReplay, proveReplay, type RunWay } from './replayProof';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';
import { goldenRow, openGoldenUnet, predictRows, relativeError } from './testing/unetChecks';
import type { Ort } from './runtime';
import { Unet } from './unet';

const FORK = [
  { source: 0, identity: 0 },
  { source: 1, identity: 0 },
  { source: 1, identity: 1 },
];
const PLAIN = FORK.slice(0, 2);
const BOUND = 1e-4;

describeOnDawn('recorded segments of the UNet', (gpu) => {
  let ort: Ort;
  let backend: GpuBackend;

  beforeAll(async () => {
    ort = await loadNodeGpuRuntime(gpu.instance);
    backend = new GpuBackend(ort, gpu.device, { fusesAttention: false, captures: true });
  });

  test('the device replays what it has recorded', async () => {
    expect(await replaysRecordings(backend, backend.capturing!)).toBe(true);
    expect(await replaysRecordings(backend, { ...still(backend.capturing!) })).toBe(false);
  });

  // ONNX Runtime copies a Reshape into an output, and no recording holds that copy; what reads it reads the last one.
  test.each([
    ['whose Reshape is copied', ['out', 'copied'], false],
    ['whose Reshape is none but a name', ['out'], true],
  ])('of a graph %s, a replay is what an ordinary run gives: %s: %s', async (_name, outputs, isRight) => {
    const { session, ask } = await reshaped(backend, outputs);
    const proof = proveReplay(ask);
    await (isRight ? proof : expect(proof).rejects.toThrow(WrongReplay));
    await session.dispose();
  });

  test('equal the edited graph with other rows and inputs in between', async () => {
    const opened = await openGoldenUnet('tiny', backend);
    const { golden, unet } = opened;
    const predict = (key: string, fork = FORK, sample?: Float32Array) =>
      predictRows(
        opened,
        backend,
        golden.predictions.get(key)?.sites ?? [],
        [0, 1],
        fork,
        sample ? { sample } : {},
        true,
      );
    const errors = (rows: readonly Float32Array[], key: string) =>
      rows.map((row, at) => relativeError(row, goldenRow(golden, at === 2 ? key : 'none', Math.min(at, 1))));
    const noise = golden.inputs.sample.data.map((value) => -value);

    const mid = await predict('mid');
    expect(Math.max(...errors(mid, 'mid'))).toBeLessThan(BOUND);
    expect(relativeError(mid[2]!, mid[1]!)).toBeGreaterThan(2 * BOUND);
    const other = await predict('mid', FORK, noise);
    expect(relativeError(other[0]!, mid[0]!)).toBeGreaterThan(2 * BOUND);
    // What was recorded for three rows is there still.
    expect(Math.max(...errors(await predict('mid', PLAIN), 'mid'))).toBeLessThan(BOUND);
    expect((await predict('mid')).map((row) => [...row])).toEqual(mid.map((row) => [...row]));
    await unet.dispose();
  });

  test('other samples and timesteps are replayed to what an ordinary run gives of them', async () => {
    const { golden, unet } = await openGoldenUnet('tiny', backend);
    const { sample, encoderHiddenStates } = golden.inputs;
    const conditioning = {
      [unet.inputs.context.name]: backend.upload('float32', encoderHiddenStates.shape, encoderHiddenStates.data),
    };
    const sites = unet.sites.filter((site) => site.name.includes('mid_block'));
    const sizes = {
      latentShape: sample.shape.slice(1) as [number, number, number],
      conditioning,
      rows: [{ base: 2, behindFork: 3 }],
    };
    const signal = new AbortController().signal;
    const predictions = async (isRecorded: boolean) => {
      const plan = await unet.prepare(sites, signal, isRecorded ? sizes : null);
      expect(plan.captured !== null).toBe(isRecorded);
      const all: Float32Array[] = [];
      for (const [scale, timestep] of [
        [1, 500],
        [0.5, 500],
        [0.5, 17],
        [1, 334],
      ] as const) {
        const scaled = backend.upload(
          'float32',
          sample.shape,
          sample.data.map((value) => value * scale),
        );
        all.push(
          await backend.read(await unet.predict(plan, { sample: scaled, timestep, conditioning, fork: FORK }, signal)),
        );
      }
      return all;
    };
    const ordinary = await predictions(false);
    for (const [at, prediction] of (await predictions(true)).entries())
      expect(relativeError(prediction, ordinary[at]!)).toBeLessThan(1e-5);
    await unet.dispose();
  });

  test('a longer context is recorded for itself, and means the same where it says the same twice', async () => {
    const { golden, unet } = await openGoldenUnet('tiny', backend);
    const { sample, timestep, encoderHiddenStates: context } = golden.inputs;
    const [rows, tokens, dim] = context.shape as [number, number, number];
    const signal = new AbortController().signal;
    const sites = unet.sites.filter((site) => site.name.includes('mid_block'));
    const predict = async (times: number) => {
      const row = (at: number) => [...context.data.subarray(at * tokens * dim, (at + 1) * tokens * dim)];
      const repeated = Array.from({ length: rows * times }, (_, at) => row(Math.floor(at / times))).flat();
      const conditioning = {
        [unet.inputs.context.name]: backend.upload('float32', [rows, tokens * times, dim], repeated),
      };
      const latentShape = sample.shape.slice(1) as [number, number, number];
      const plan = await unet.prepare(sites, signal, {
        latentShape,
        conditioning,
        rows: [{ base: 2, behindFork: 3 }],
      });
      expect(plan.captured).not.toBeNull();
      const input = {
        sample: backend.upload('float32', sample.shape, sample.data),
        timestep: timestep[0]!,
        conditioning,
        fork: FORK,
      };
      return [...(await backend.read(await unet.predict(plan, input, signal)))];
    };
    const once = await predict(1);
    expect(relativeError(Float32Array.from(await predict(2)), Float32Array.from(once))).toBeLessThan(1e-5);
    expect(await predict(1)).toEqual(once);
    await unet.dispose();
  });

  test('pictures of two sizes in turn have recordings of their own', async () => {
    const { golden, unet } = await openGoldenUnet('tiny', backend);
    const { sample, timestep, encoderHiddenStates } = golden.inputs;
    const conditioning = {
      [unet.inputs.context.name]: backend.upload('float32', encoderHiddenStates.shape, encoderHiddenStates.data),
    };
    const sites = unet.sites.filter((site) => site.name.includes('mid_block'));
    const signal = new AbortController().signal;
    const own = sample.shape.slice(1) as [number, number, number];
    const wide = [own[0], own[1] / 2, own[2] * 2] as const;
    const predict = async (latentShape: readonly [number, number, number], isRecorded: boolean) => {
      const sizes = { latentShape, conditioning, rows: [{ base: 2, behindFork: 3 }] };
      const plan = await unet.prepare(sites, signal, isRecorded ? sizes : null);
      expect(plan.captured !== null).toBe(isRecorded);
      const input = {
        sample: backend.upload('float32', [2, ...latentShape], sample.data),
        timestep: timestep[0]!,
        conditioning,
        fork: FORK,
      };
      return backend.read(await unet.predict(plan, input, signal));
    };
    const ordinary = [await predict(own, false), await predict(wide, false)];
    expect(relativeError(ordinary[0]!, ordinary[1]!)).toBeGreaterThan(0.1);
    for (const at of [0, 1, 0, 1])
      expect(relativeError(await predict(at === 0 ? own : wide, true), ordinary[at]!)).toBeLessThan(1e-5);
    await unet.dispose();
  });

  test('a replayed forward makes no bind group and uploads nothing', async () => {
    const opened = await openGoldenUnet('tiny', backend);
    const { golden, unet } = opened;
    const { sample, timestep, encoderHiddenStates } = golden.inputs;
    const input = {
      sample: backend.upload('float32', sample.shape, sample.data),
      conditioning: {
        [unet.inputs.context.name]: backend.upload('float32', encoderHiddenStates.shape, encoderHiddenStates.data),
      },
      timestep: timestep[0]!,
      fork: FORK,
    };
    const sizes = {
      latentShape: sample.shape.slice(1) as [number, number, number],
      conditioning: input.conditioning,
      rows: [{ base: 2, behindFork: 3 }],
    };
    const signal = new AbortController().signal;
    const plan = await unet.prepare(
      unet.sites.filter((site) => site.name.includes('mid_block')),
      signal,
      sizes,
    );
    await unet.predict(plan, input, signal);
    const spies = [
      vi.spyOn(gpu.device, 'createBindGroup'),
      vi.spyOn(gpu.device, 'createBuffer'),
      vi.spyOn(gpu.device.queue, 'writeBuffer'),
    ];
    await unet.predict(plan, input, signal);
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0]);
    await unet.predict(plan, { ...input, timestep: 1 }, signal);
    // A timestep a segment.
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 1]);
    for (const spy of spies) spy.mockRestore();
    await unet.dispose();
  });

  test('a device that replays wrongly goes on unrecorded, and says so once', async () => {
    const lying = new GpuBackend(ort, gpu.device, { fusesAttention: false, captures: true });
    const { capturing } = lying;
    const { session } = still(capturing!);
    vi.spyOn(capturing!, 'session').mockImplementation(session);
    const { golden, unet: honest } = await openGoldenUnet('tiny', lying);
    const told = vi.fn();
    const unet = new Unet(lying, honest.file, {}, told);
    const sites = golden.predictions.get('mid')?.sites ?? [];
    for (let run = 0; run < 2; run += 1) {
      const rows = await predictRows({ golden, unet }, lying, sites, [0, 1], FORK, {}, run === 0);
      expect(relativeError(rows[2]!, goldenRow(golden, 'mid', 1))).toBeLessThan(BOUND);
    }
    expect(told).toHaveBeenCalledTimes(1);
    expect(lying.capturing).toBe(null);
    await unet.dispose();
  });
});

/** out = x² + x, where x² goes through two Reshapes. */
async function reshaped(backend: GpuBackend, outputs: readonly string[]) {
  const nodes = [
    makeNode({ name: 'square', opType: 'Mul' }, ['x', 'x'], ['squared']),
    makeNode({ name: 'narrow', opType: 'Reshape' }, ['squared', 'narrow'], ['copied']),
    makeNode({ name: 'wide', opType: 'Reshape' }, ['copied', 'wide'], ['whole']),
    makeNode({ name: 'sum', opType: 'Add' }, ['whole', 'x'], ['out']),
  ];
  const dims: Readonly<Record<string, readonly number[]>> = { x: [4, 16], out: [4, 16], copied: [8, 8] };
  const value = (name: string) => ({ name, elemType: FLOAT, dims: dims[name]! });
  const target = (name: string, sizes: readonly number[]) => {
    const raw = new Uint8Array(BigInt64Array.from(sizes, BigInt).buffer);
    return [name, { name, dims: [2], dataType: INT64, raw, range: null, encoded: null }] as const;
  };
  const model = {
    irVersion: 8,
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    functions: [],
    initializers: new Map([target('narrow', [8, 8]), target('wide', [4, 16])]),
    valueInfo: new Map(),
    nodes,
    inputs: [value('x')],
    outputs: outputs.map(value),
  };
  const { bytes } = writeSegment(model, { nodes, inputs: ['x'], outputs, sites: [] });
  const sized = (name: string) => ({ name, type: 'float32' as const, dims: dims[name]! });
  const capturing = backend.capturing!;
  const session = await capturing.session(bytes, new Blob(), 'reshaped', [sized('x')], outputs.map(sized));
  const ask = async (input: 'given' | 'zeros', way: RunWay) => {
    capturing.write(session.inputs['x']!, new Float32Array(64).fill(input === 'given' ? 3 : 0));
    await (way === 'anew' ? session.runAnew() : session.run());
    return backend.read(session.outputs['out']!);
  };
  return { session, ask };
}

/** The same, but a session does nothing after its first run. */
function still(capturing: Capturing): Capturing {
  const real = capturing.session.bind(capturing);
  return {
    write: (...args) => capturing.write(...args),
    reshaped: (...args) => capturing.reshaped(...args),
    copy: (...args) => capturing.copy(...args),
    giveUp: () => capturing.giveUp(),
    session: async (...args): Promise<CapturedSession> => {
      const session = await real(...args);
      let ran = false;
      return {
        ...session,
        run: async () => {
          if (!ran) await session.run();
          ran = true;
        },
      };
    },
  };
}
