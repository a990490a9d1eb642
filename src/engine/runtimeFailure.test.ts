// What ONNX Runtime itself reports when it fails, and what people are told of it: memory only where it is memory.

import { expect, test } from 'vitest';
import { INT64 } from '../onnx/file/model';
import { MessageWriter } from '../onnx/file/protobuf';
import { op, smallModel } from '../onnx/testing/smallModel';
import { CpuBackend } from './cpuBackend';
import { OnnxFile } from './onnxFile';
import { runtimeFailure } from './runtimeFailure';
import { loadNodeRuntime } from './testing/nodeRuntime';

const backend = new CpuBackend(await loadNodeRuntime());

/** The sum of so many zeros. */
async function session(sum = 'ReduceSum') {
  const model = {
    ...smallModel({}, [op('ConstantOfShape', ['shape'], ['zeros']), op(sum, ['zeros'], ['out'])]),
    inputs: [{ name: 'shape', elemType: INT64, dims: [1] }],
    opsets: [new MessageWriter().string(1, '').varint(2, 17).finish()],
  };
  const file = OnnxFile.built(model, 'unet/model.onnx', { device: backend, openFile: null });
  return file.session(backend, file.upTo(['out']));
}

test('on the CPU: memory that is refused, sizes beyond 32 bits, and a graph that it does not take', async () => {
  const { run, dispose } = await session();
  const zeros = (count: number) => run({ shape: backend.upload('int64', [1], [count]) });
  // 4 GiB less some bytes are asked for and refused; 8 GiB cannot be asked for.
  await expect(zeros(2 ** 30 - 1000)).rejects.toMatchObject({
    code: 'out-of-memory',
    message:
      'ONNX Runtime failed in unet/model.onnx: this device may not have the memory for it. ' +
      'A page has at most 4 GB on the CPU. Choose a smaller size, or a smaller model.',
  });
  await expect(zeros(2 ** 31)).rejects.toMatchObject({
    code: 'run-failed',
    message: 'ONNX Runtime cannot compute unet/model.onnx with these settings. Try a smaller size, or another model.',
    detail: expect.stringContaining('Integer overflow') as string,
  });
  expect((await zeros(3)).out?.dims).toEqual([1]);
  await dispose();
  await expect(session('NoSuchOperator')).rejects.toMatchObject({
    code: 'session-build',
    message: 'ONNX Runtime cannot run unet/model.onnx on this device. Choose another model.',
  });
});

test('what leaves WASM as a trap or a bare number may be memory, and on a GPU the CPU helps', () => {
  const told = (cause: unknown, during: 'build' | 'run') =>
    runtimeFailure(cause, 'vae/model.onnx', { kind: 'webgpu' }, during);
  // Dawn's words for a buffer, and for a binding, that the device has no room for.
  const buffer = new Error('Buffer size (268435472) exceeds the max buffer size limit (268435456).');
  const binding = new Error('Binding size (131072) of [Buffer] is larger than the maximum binding size (65536).');
  const trap = new WebAssembly.RuntimeError('unreachable');
  for (const cause of [20971523, trap, new RangeError('Invalid length'), buffer, binding]) {
    expect(told(cause, 'run')).toMatchObject({ code: 'out-of-memory' });
    expect(told(cause, 'build')).toMatchObject({ code: 'out-of-memory' });
  }
  for (const during of ['build', 'run'] as const) {
    const { code, message } = told(new Error('Shapes do not match.'), during);
    expect([code, message.includes('the CPU')]).toEqual([during === 'run' ? 'run-failed' : 'session-build', true]);
  }
});
