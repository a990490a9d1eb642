import { expect, it } from 'vitest';
import { EngineError } from '../protocol/errors';
import { KernelCompiler, kernelHeader, type Kernel } from './compiler';
import { describeOnDawn } from './testing/dawn';

const doubling: Kernel = {
  name: 'doubling',
  body: `@group(0) @binding(0) var<storage, read_write> data: array<elem>;
@compute @workgroup_size(THREADS) fn main(@builtin(global_invocation_id) id: vec3u) {
  data[id.x] = data[id.x] * elem(2);
}
`,
};

async function failureOf(promise: Promise<unknown>): Promise<EngineError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
}

describeOnDawn('KernelCompiler on Dawn', (gpu) => {
  it('compiles once for the same kernel, type and constants', async () => {
    const compiler = new KernelCompiler(gpu.device);
    const first = await compiler.pipeline(doubling, 'f32', { THREADS: 64 });
    expect(await compiler.pipeline(doubling, 'f32', { THREADS: 64 })).toBe(first);
    expect(await compiler.pipeline(doubling, 'f32', { THREADS: 32 })).not.toBe(first);
    expect(first.label).toBe('doubling');
    compiler.dispose();
  });

  it.runIf(gpu.f16)('compiles the same body for f16', async () => {
    const compiler = new KernelCompiler(gpu.device);
    const pipeline = await compiler.pipeline(doubling, 'f16', { THREADS: 64 });
    expect(pipeline).not.toBe(await compiler.pipeline(doubling, 'f32', { THREADS: 64 }));
    compiler.dispose();
  });

  it('names line, column and source of an error, counted in the body itself', async () => {
    const compiler = new KernelCompiler(gpu.device);
    const broken = { name: 'broken', body: doubling.body.replace('elem(2)', 'bogus(2)') };
    const error = await failureOf(compiler.pipeline(broken, 'f32', { THREADS: 64 }));
    expect(error.code).toBe('shader-compile');
    expect(error.message).toContain('"broken"');
    expect(error.message).toMatch(/Update the browser/);
    expect(error.detail).toMatch(/^broken\.wgsl:3:\d+ .*bogus/);
    expect(error.detail).toContain('data[id.x] = data[id.x] * bogus(2);');
    compiler.dispose();
  });

  it('reports what only the pipeline refuses, and tries again at the next call', async () => {
    const compiler = new KernelCompiler(gpu.device);
    const size = { THREADS: gpu.device.limits.maxComputeInvocationsPerWorkgroup + 1 };
    const first = await failureOf(compiler.pipeline(doubling, 'f32', size));
    expect(first.detail).toMatch(/workgroup/i);
    const second = await failureOf(compiler.pipeline(doubling, 'f32', size));
    expect(second).not.toBe(first);
    compiler.dispose();
  });

  it('refuses f16 on a device without it', async () => {
    const adapter = await gpu.instance.requestAdapter();
    const plain = await adapter!.requestDevice({ label: 'plain device' });
    const error = await failureOf(new KernelCompiler(plain).pipeline(doubling, 'f16', { THREADS: 64 }));
    expect(error.code).toBe('shader-compile');
    expect(error.detail).toContain('shader-f16');
    plain.destroy();
    await plain.lost;
  });

  it('gives one parameter buffer per content', () => {
    const compiler = new KernelCompiler(gpu.device);
    const first = compiler.parameterBuffer('test', Uint32Array.of(1, 2, 3));
    expect(compiler.parameterBuffer('test', Uint32Array.of(1, 2, 3))).toBe(first);
    expect(compiler.parameterBuffer('test', Uint32Array.of(1, 2, 4))).not.toBe(first);
    expect(first.size).toBe(16);
    compiler.dispose();
  });

  it('accepts unsigned integers only as constants', () => {
    expect(kernelHeader('f16', { A: 1, B: 2 })).toBe('enable f16;\nalias elem = f16;\nconst A = 1u;\nconst B = 2u;\n');
    expect(() => kernelHeader('f32', { A: 0.5 })).toThrow(RangeError);
    expect(() => kernelHeader('f32', { A: -1 })).toThrow(RangeError);
  });
});
