// Sessions of ONNX Runtime's WebGPU provider that record their commands at the first run and replay them (its graph
// capture): no uniforms are uploaded and no bind groups made any more. What a recording reads and writes are fixed
// buffers, which live as long as the session.

import { FLOAT, FLOAT16 } from '../onnx/file/model';
import { WEIGHTS_FILE } from '../onnx/segments/write';
import {
  type CapturedSession,
  type Capturing,
  type DeviceTensor,
  type ElemType,
  type RowCopy,
  type SizedValue,
  type Tensors,
} from './backend';
import { GpuTensor, floatData, own, rowBytes } from './gpuTensor';
import { identityGraph } from './identityGraph';
import type { Ort } from './runtime';

type OrtSession = Awaited<ReturnType<Ort['InferenceSession']['create']>>;
type RunOptions = NonNullable<Parameters<OrtSession['run']>[2]>;

/** The recording that stands for none (ONNX Runtime's `gpu_graph_id`): such a run is neither recorded nor replayed. */
const NO_GRAPH = '-1';

export class GpuCapture implements Capturing {
  /** False from the moment on that a replay was seen to be wrong. */
  trusted = true;
  private readonly copying = new Map<ElemType, Promise<OrtSession>>();

  /** `guarded` tells a lost or refusing GPU from other failures; `settled` waits for what was submitted. */
  constructor(
    private readonly ort: Ort,
    private readonly device: GPUDevice,
    private readonly guarded: <T>(what: string, work: () => Promise<T>) => Promise<T>,
    private readonly settled: () => Promise<void>,
  ) {}

  session(
    graph: Uint8Array,
    weights: Blob,
    label: string,
    inputs: readonly SizedValue[],
    outputs: readonly SizedValue[],
  ): Promise<CapturedSession> {
    return this.guarded(label, async () => {
      const session = await this.ort.InferenceSession.create(graph, {
        executionProviders: [{ name: 'webgpu', device: this.device } as never],
        preferredOutputLocation: 'gpu-buffer',
        enableGraphCapture: true,
        logSeverityLevel: 3,
        externalData: weights.size > 0 ? [{ path: WEIGHTS_FILE, data: weights }] : [],
      });
      const read = new Map<string, GpuTensor>();
      for (const value of inputs) read.set(value.name, await this.lasting(value, label));
      const written = new Map<string, GpuTensor>();
      for (const value of outputs) written.set(value.name, await this.lasting(value, label));
      // A buffer of weights that was refused has been told of by then.
      await this.settled();
      const feeds = Object.fromEntries([...read].map(([name, tensor]) => [name, tensor.ort]));
      const fetches = Object.fromEntries([...written].map(([name, tensor]) => [name, tensor.ort]));
      const run = (options: RunOptions) =>
        this.guarded(label, async () => {
          const named = await session.run(feeds, fetches, options);
          // Behind the first run ONNX Runtime gives the same buffers under new names.
          for (const [name, tensor] of Object.entries(named)) if (tensor !== fetches[name]) tensor.dispose();
        });
      return {
        inputs: lentOut(read),
        outputs: lentOut(written),
        run: () => run({}),
        runAnew: () => run({ extra: { gpu_graph_id: NO_GRAPH } }),
        dispose: async () => {
          await session.release();
          for (const tensor of [...read.values(), ...written.values()]) tensor.dispose();
        },
      };
    });
  }

  giveUp(): void {
    this.trusted = false;
  }

  write(tensor: DeviceTensor, values: ArrayLike<number>): void {
    const { storage, type } = own(tensor);
    this.device.queue.writeBuffer(storage, 0, floatData(type, values));
  }

  reshaped(tensor: DeviceTensor, dims: readonly number[]): DeviceTensor {
    const { type, ort, buffer } = own(tensor);
    return new GpuTensor(type, dims, ort, buffer, () => {});
  }

  copy(copies: readonly RowCopy[]): void {
    if (copies.length === 0) return;
    const encoder = this.device.createCommandEncoder({ label: 'copies' });
    for (const { from, sources, into } of copies) {
      const [read, written] = [own(from).storage, own(into).storage];
      if (sources === null) {
        encoder.copyBufferToBuffer(read, 0, written, 0, Math.min(read.size, written.size));
        continue;
      }
      const bytes = rowBytes(from);
      sources.forEach((source, row) => encoder.copyBufferToBuffer(read, source * bytes, written, row * bytes, bytes));
    }
    this.device.queue.submit([encoder.finish()]);
  }

  async dispose(): Promise<void> {
    for (const session of this.copying.values()) await (await session).release();
    this.copying.clear();
  }

  /**
   * A buffer that ONNX Runtime itself has made: it knows those by the same name in every run, while it forgets others
   * at the end of each, though a session that records has bound them for good at its first.
   */
  private async lasting({ type, dims, name }: SizedValue, label: string): Promise<GpuTensor> {
    const zeros = GpuTensor.allocate(this.ort, this.device, type, dims, 'zeros');
    try {
      const { out } = await (await this.copier(type)).run({ in: zeros.ort });
      const tensor = GpuTensor.made(out!, name);
      tensor.storage.label = `${label} ${name}`;
      return tensor;
    } finally {
      zeros.dispose();
    }
  }

  private copier(type: ElemType): Promise<OrtSession> {
    const known = this.copying.get(type);
    if (known) return known;
    const made = this.ort.InferenceSession.create(identityGraph(type === 'float16' ? FLOAT16 : FLOAT), {
      executionProviders: [{ name: 'webgpu', device: this.device } as never],
      preferredOutputLocation: 'gpu-buffer',
    });
    this.copying.set(type, made);
    made.catch(() => this.copying.delete(type));
    return made;
  }
}

/** For those who may not give them back. */
function lentOut(tensors: ReadonlyMap<string, GpuTensor>): Tensors {
  return Object.fromEntries(
    [...tensors].map(([name, { type, dims, ort, buffer }]) => [name, new GpuTensor(type, dims, ort, buffer, () => {})]),
  );
}
