// Compiles kernels for one GPUDevice and keeps what they share: pipelines, and small constant buffers.
// A kernel is a valid WGSL body in a `.wgsl` file; the compiler puts a header before it, made of u32 `const`s
// and `alias elem` (f32 or f16, the type tensors are stored in), so one body serves every shape and type.
// A pipeline is cached by kernel, element type and constants; a parameter buffer by its content, so the
// same step of the same model makes no new objects.

import { EngineError } from '../protocol/errors';

/** The type in which a tensor is stored. Kernels compute in f32 whatever it is. */
export type ElementType = 'f32' | 'f16';

export interface Kernel {
  /** Names the `.wgsl` file and labels the GPU objects. */
  readonly name: string;
  readonly body: string;
}

/** Values for the `const`s that a body uses without declaring them: unsigned integers. */
export type KernelConstants = Readonly<Record<string, number>>;

/** Beyond this many the one that was not used for longest is let go. */
const MAX_BIND_GROUPS = 256;

/** Beyond this many the oldest parameter buffers are let go; commands in flight still hold theirs. */
const MAX_PARAMETER_BUFFERS = 512;

export class KernelCompiler {
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();
  private readonly parameters = new Map<string, GPUBuffer>();
  private readonly bindGroups = new Map<string, GPUBindGroup>();
  private readonly ids = new WeakMap<object, number>();
  private made = 0;

  /** @param guarded around each compilation: the device may go away meanwhile. */
  constructor(
    readonly device: GPUDevice,
    private readonly guarded: <T>(what: string, work: () => Promise<T>) => Promise<T> = (_, work) => work(),
  ) {}

  /** The compute pipeline of the kernel's entry point `main`, with automatic layout.
   *  @throws EngineError `shader-compile`; a later call tries again. */
  pipeline(kernel: Kernel, elem: ElementType, constants: KernelConstants = {}): Promise<GPUComputePipeline> {
    const header = kernelHeader(elem, constants);
    const key = `${kernel.name}\n${header}`;
    let pipeline = this.pipelines.get(key);
    if (pipeline === undefined) {
      pipeline = this.guarded(kernel.name, () => this.compile(kernel, header, elem));
      this.pipelines.set(key, pipeline);
      pipeline.catch(() => this.pipelines.delete(key));
    }
    return pipeline;
  }

  /** A read-only storage buffer that holds `words` (32-bit each). Never written again, so any number of
   *  dispatches in one submit may use it; owned by the compiler. */
  parameterBuffer(label: string, words: Uint32Array): GPUBuffer {
    const key = `${label}:${words.join()}`;
    let buffer = this.parameters.get(key);
    if (buffer === undefined) {
      buffer = this.device.createBuffer({
        label: `${label} parameters`,
        size: Math.max(16, Math.ceil(words.byteLength / 16) * 16),
        usage: GPUBufferUsage.STORAGE,
        mappedAtCreation: true,
      });
      new Uint32Array(buffer.getMappedRange()).set(words);
      buffer.unmap();
      const oldest = this.parameters.keys().next();
      // Not destroyed: a command buffer not yet submitted may name it. Collected with its last holder.
      if (this.parameters.size >= MAX_PARAMETER_BUFFERS && !oldest.done) this.parameters.delete(oldest.value);
      this.parameters.set(key, buffer);
    }
    return buffer;
  }

  /** Bindings 0, 1, 2, … of group 0. The same pipeline with the same buffers has one, however often it is asked for. */
  bindGroup(pipeline: GPUComputePipeline, bindings: readonly GPUBufferBinding[]): GPUBindGroup {
    const key = [this.id(pipeline), ...bindings.map(({ buffer, size }) => `${this.id(buffer)}:${size}`)].join();
    const group =
      this.bindGroups.get(key) ??
      this.device.createBindGroup({
        label: pipeline.label,
        layout: pipeline.getBindGroupLayout(0),
        entries: bindings.map((resource, binding) => ({ binding, resource })),
      });
    // The latest comes last.
    this.bindGroups.delete(key);
    this.bindGroups.set(key, group);
    for (const [oldest] of this.bindGroups) if (this.bindGroups.size > MAX_BIND_GROUPS) this.bindGroups.delete(oldest);
    return group;
  }

  /** Call when no command that was encoded with these kernels is waiting to be submitted. */
  dispose(): void {
    for (const buffer of this.parameters.values()) buffer.destroy();
    this.parameters.clear();
    this.bindGroups.clear();
    this.pipelines.clear();
  }

  private id(object: object): number {
    const known = this.ids.get(object) ?? ++this.made;
    this.ids.set(object, known);
    return known;
  }

  private async compile(kernel: Kernel, header: string, elem: ElementType): Promise<GPUComputePipeline> {
    if (elem === 'f16' && !this.device.features.has('shader-f16')) {
      throw compileError(kernel, 'The device was made without the feature shader-f16.');
    }
    this.device.pushErrorScope('validation');
    const module = this.device.createShaderModule({ label: kernel.name, code: header + kernel.body });
    const [scoped, info] = await Promise.all([this.device.popErrorScope(), module.getCompilationInfo()]);
    const messages = info.messages.filter((message) => message.type === 'error');
    if (messages.length > 0) {
      throw compileError(kernel, messages.map((message) => describeMessage(message, kernel, header)).join('\n'));
    }
    if (scoped !== null) throw compileError(kernel, scoped.message);
    try {
      return await this.device.createComputePipelineAsync({
        label: kernel.name,
        layout: 'auto',
        compute: { module, entryPoint: 'main' },
      });
    } catch (error) {
      throw compileError(kernel, error instanceof Error ? error.message : String(error), error);
    }
  }
}

/** What stands before a body: one declaration a line. */
export function kernelHeader(elem: ElementType, constants: KernelConstants): string {
  const lines = Object.entries(constants).map(([name, value]) => {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw new RangeError(`Kernel constant ${name} must be an unsigned integer, not ${value}.`);
    }
    return `const ${name} = ${value}u;`;
  });
  const enable = elem === 'f16' ? ['enable f16;'] : [];
  return [...enable, `alias elem = ${elem};`, ...lines, ''].join('\n');
}

/** One message as `attention.wgsl:12:5 text` with the source line below; lines count in the body's own file. */
function describeMessage(message: GPUCompilationMessage, kernel: Kernel, header: string): string {
  const headerLines = header.split('\n').length - 1;
  const inBody = message.lineNum > headerLines;
  const source = (inBody ? kernel.body : header).split('\n');
  const line = inBody ? message.lineNum - headerLines : message.lineNum;
  const file = inBody ? `${kernel.name}.wgsl` : `header of ${kernel.name}.wgsl`;
  return `${file}:${line}:${message.linePos} ${message.message}\n  ${source[line - 1] ?? ''}`;
}

function compileError(kernel: Kernel, detail: string, cause?: unknown): EngineError {
  return new EngineError(
    'shader-compile',
    `This GPU refused the program "${kernel.name}". Update the browser or the graphics driver, ` +
      'or choose the CPU (WASM) backend.',
    detail,
    { cause },
  );
}
