// A driver that has no room: the process may have hardly more memory than it has, and SwiftShader, whose buffers lie in
// that memory, refuses in earnest. lavapipe does not refuse, it crashes; so this needs SwiftShader, and Linux.

import '../kernels/testing/preferSwiftShader';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { cut, type Segment } from '../onnx/segments/cut';
import { Graph } from '../onnx/graph/graph';
import { MessageWriter } from '../onnx/file/protobuf';
import { op, smallModel } from '../onnx/testing/smallModel';
import { writeSegment } from '../onnx/segments/write';
import { GpuBackend } from './gpuBackend';
import { OnnxFile } from './onnxFile';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';

/** What is left to the process, where V8 compiles meanwhile; and what is asked for: the largest buffer that may be. */
const ROOM = 768 * 2 ** 20;
const TOO_MUCH = 1024 * 2 ** 20;
const REFUSED = {
  code: 'out-of-memory',
  message: expect.stringContaining('not enough memory') as string,
  detail: expect.stringContaining('GPUOutOfMemoryError: vkAllocateMemory failed') as string,
};

/** Sets the address space that this process may have; false where it cannot be set. */
function limitMemory(bytes: number | 'unlimited'): boolean {
  return spawnSync('prlimit', ['--pid', String(process.pid), `--as=${bytes}:`]).status === 0;
}

async function withoutRoom<T>(work: () => Promise<T>): Promise<T> {
  const [, kB] = /^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  limitMemory(Number(kB) * 1024 + ROOM);
  try {
    return await work();
  } finally {
    limitMemory('unlimited');
  }
}

describeOnDawn('a driver without room', (gpu) => {
  const lacks = [
    ...(/SwiftShader/.test(gpu.adapter.info.description) ? [] : ['SwiftShader']),
    ...(limitMemory('unlimited') ? [] : ['prlimit']),
  ];
  if (lacks.length > 0) {
    const said = `SKIPPED: no ${lacks.join(', no ')}`;
    console.warn(`\n⚠ ${said}: what a driver without room comes to.\n`);
    test.skip(said, () => undefined);
    return;
  }

  async function ownBackend(): Promise<GpuBackend> {
    const adapter = await gpu.instance.requestAdapter();
    const device = await adapter!.requestDevice({
      requiredLimits: {
        maxBufferSize: gpu.adapter.limits.maxBufferSize,
        maxStorageBufferBindingSize: gpu.adapter.limits.maxStorageBufferBindingSize,
      },
    });
    return new GpuBackend(await loadNodeGpuRuntime(gpu.instance), device, { fusesAttention: false });
  }

  test('a tensor that it refuses: nothing made since is given out as a picture', async () => {
    const backend = await ownBackend();
    const latents = backend.upload('float32', [1, 4], [1, 2, 3, 4]);
    expect(await backend.read(latents)).toEqual(Float32Array.of(1, 2, 3, 4));
    // A kernel that is compiled now needs no answer of the device later, so the refusal is first told by what is read.
    (await backend.modelInput(latents, [0], 1, 'float32')).dispose();
    const row = backend.upload('float32', [1, TOO_MUCH / 4 / 16], new Float32Array(TOO_MUCH / 4 / 16));
    await withoutRoom(async () => {
      const large = backend.gatherRows(row, new Array<number>(16).fill(0));
      const since = await backend.modelInput(latents, [0], 1, 'float32');
      large.dispose();
      for (const tensor of [since, latents]) await expect(backend.read(tensor)).rejects.toMatchObject(REFUSED);
    });
    // Who gives up what was made since goes on with what was there before.
    await backend.recover();
    expect(await backend.read(latents)).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(await backend.read(backend.gatherRows(latents, [0]))).toEqual(Float32Array.of(1, 2, 3, 4));
    await backend.dispose();
  });

  test('what ONNX Runtime asks for in a run', async () => {
    const backend = await ownBackend();
    const side = Math.floor(Math.sqrt(TOO_MUCH / 4)) - 384;
    const model = {
      ...smallModel({ column: [side, 1], row: [1, side] }, [op('Add', ['column', 'row'], ['out'])]),
      opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
    };
    const graph = new Blob([writeSegment(model, cut(new Graph(model), [])[0] as Segment).bytes]);
    const device = { f16: false, fusesAttention: false };
    const file = await OnnxFile.open(graph, 'unet/model.onnx', { device, openFile: null });
    const session = await file.session(backend, file.upTo(['out']));
    const [column, row] = [
      [side, 1],
      [1, side],
    ].map((dims) => backend.upload('float32', dims, new Float32Array(side)));
    await withoutRoom(() => expect(session.run({ column: column!, row: row! })).rejects.toMatchObject(REFUSED));
    await backend.dispose();
  });
});
