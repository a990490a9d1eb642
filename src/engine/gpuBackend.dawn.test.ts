// What a GPU refuses is an error and never a grey picture: real refusals, by Dawn's own limits, on a device of their
// own; those of a driver without room are in outOfMemory.dawn.test.ts. And a VAE that overflows real f16.

import { expect, test, vi } from 'vitest';
import { describeOnDawn } from '../kernels/testing/dawn';
import { cut } from '../onnx/segments/cut';
import { Graph } from '../onnx/graph/graph';
import { attentionGraph } from '../onnx/testing/attentionGraph';
import { writeSegment } from '../onnx/segments/write';
import { GpuBackend } from './gpuBackend';
import { OnnxFile } from './onnxFile';
import { HALF_VAE_SHAPE, halfVae } from './testing/halfVae';
import { loadNodeGpuRuntime } from './testing/nodeRuntime';
import { VaeDecoder } from './vaeDecoder';

describeOnDawn('what is read back', (gpu) => {
  test('several tensors come at once, halves and odd numbers of them too', async () => {
    const backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false });
    const tensors = [
      backend.upload('float16', [3], [1, 2, 3]),
      backend.upload('float32', [1], [0.1]),
      backend.upload('float16', [2], [-4, 0.5]),
    ];
    const create = gpu.device.createBuffer.bind(gpu.device);
    let buffers = 0;
    gpu.device.createBuffer = (descriptor) => ((buffers += 1), create(descriptor));
    const reading = backend.readAll(tensors);
    for (const tensor of tensors) tensor.dispose();
    expect(await reading).toEqual([Float32Array.of(1, 2, 3), Float32Array.of(0.1), Float32Array.of(-4, 0.5)]);
    gpu.device.createBuffer = create;
    expect(buffers).toBe(1);
  });
});

describeOnDawn('what the GPU refuses', (gpu) => {
  /** Its errors are wanted, so they must not be those of the block's device. */
  async function ownBackend(): Promise<{ backend: GpuBackend; device: GPUDevice }> {
    const adapter = await gpu.instance.requestAdapter();
    const device = await adapter!.requestDevice();
    return {
      backend: new GpuBackend(await loadNodeGpuRuntime(gpu.instance), device, { fusesAttention: false }),
      device,
    };
  }
  /** Floats that take more than the device gives. */
  const beyond = (device: GPUDevice) => device.limits.maxBufferSize / 4 + 4;

  test('a tensor, at the latest when a picture is read', async () => {
    const { backend, device } = await ownBackend();
    const small = backend.upload('float32', [4], [1, 2, 3, 4]);
    expect(await backend.read(small)).toEqual(Float32Array.of(1, 2, 3, 4));
    backend.upload('float32', [beyond(device)], [1]);
    await expect(backend.read(small)).rejects.toMatchObject({
      code: 'gpu-refused',
      detail: expect.stringContaining('GPUValidationError') as string,
    });
    await backend.dispose();
  });

  test('a device that goes away while its process is busy: the failure comes first, its reason in turn', async () => {
    const { backend, device } = await ownBackend();
    const small = backend.upload('float32', [4], [1, 2, 3, 4]);
    expect(await backend.read(small)).toEqual(Float32Array.of(1, 2, 3, 4));
    const late = new Promise<void>((resolve) => setTimeout(resolve, 300));
    const hear = device.queue.onSubmittedWorkDone.bind(device.queue);
    device.queue.onSubmittedWorkDone = async () => {
      await late;
      return hear();
    };
    const lost = new GpuBackend(
      await loadNodeGpuRuntime(gpu.instance),
      // As it is, but that its loss is told late.
      new Proxy(device, {
        get: (of, name) => {
          if (name === 'lost') return late.then(() => of.lost);
          const value: unknown = Reflect.get(of, name);
          return typeof value === 'function' ? (value as () => unknown).bind(of) : value;
        },
      }),
      { fusesAttention: false },
    );
    const reading = lost.read(small);
    device.destroy();
    await expect(reading).rejects.toMatchObject({ code: 'device-lost' });
  });

  test.each([
    ['a result that does not come back, though the queue is done', false],
    ['a device that is lost without a word to those who wait', true],
  ])('%s: the wait ends with an error', async (_name, isLost) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { backend, device } = await ownBackend();
    const small = backend.upload('float32', [4], [1, 2, 3, 4]);
    expect(await backend.read(small)).toEqual(Float32Array.of(1, 2, 3, 4));
    const never = () => new Promise<undefined>(() => {});
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      if (descriptor.label === 'read back') buffer.mapAsync = never;
      return buffer;
    };
    if (isLost) device.queue.onSubmittedWorkDone = never;
    try {
      const wait = { isOver: false };
      const reading = backend.read(small).finally(() => {
        wait.isOver = true;
      });
      const failed = expect(reading).rejects.toMatchObject({ code: 'device-lost' });
      if (isLost) device.destroy();
      for (let second = 0; second < 30 && !wait.isOver; second += 1) {
        vi.advanceTimersByTime(1000);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(wait.isOver).toBe(true);
      await failed;
    } finally {
      vi.useRealTimers();
    }
    if (!isLost) await backend.dispose();
  });

  test('what ONNX Runtime asks for, which hears of it in a scope of its own', async () => {
    const { backend, device } = await ownBackend();
    const model = attentionGraph(2, 8);
    const graph = new Blob([writeSegment(model, cut(new Graph(model), [])[0]!).bytes]);
    const file = await OnnxFile.open(graph, 'unet/model.onnx', {
      device: { f16: false, fusesAttention: false },
      openFile: null,
    });
    const session = await file.session(backend, file.upTo(['out']));
    const x = backend.upload('float32', [1, 4, 8], new Float32Array(32));
    const create = device.createBuffer.bind(device);
    // A driver without room: each buffer that is asked for from now on is beyond the limit.
    device.createBuffer = (descriptor) => create({ ...descriptor, size: 4 * beyond(device), mappedAtCreation: false });
    await expect(session.run({ x })).rejects.toMatchObject({
      code: 'out-of-memory',
      detail: expect.stringContaining('max buffer size') as string,
    });
    await backend.dispose();
  });

  test.runIf(gpu.f16)('not a VAE that overflows f16: it runs in f32 then', async () => {
    const backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false });
    const blob = halfVae(60_000);
    const open = (f16: boolean) =>
      OnnxFile.open(blob, 'vae_decoder/model.onnx', { device: { f16, fusesAttention: false }, openFile: null });
    let widenings = 0;
    const decoder = await VaeDecoder.open(
      backend,
      await open(true),
      { scaling_factor: 1 },
      {
        open: () => open(false),
        onWidened: () => {
          widenings += 1;
        },
      },
    );
    const latents = backend.upload('float32', HALF_VAE_SHAPE, [-1, -0.5, 0, 0.5, 1, 1.5, 2, 3, -1.5, 0.25, 0.75, 1]);
    for (let times = 0; times < 2; times += 1)
      expect([...(await decoder.decode(latents, 0)).rgba.slice(0, 8)]).toEqual([0, 255, 0, 255, 64, 255, 159, 255]);
    expect(widenings).toBe(1);
    latents.dispose();
    await decoder.dispose();
  });
});
