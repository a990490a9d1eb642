// Encodes one compute pass: binds tensors to bindings 0, 1, 2, … of group 0 and dispatches. Each binding is
// exactly as large as its tensor, so a kernel cannot touch what a larger buffer holds beside it, and a
// buffer that is too small is named here, not in the driver.

import type { ElementType, KernelCompiler } from './compiler';

export interface TensorBinding {
  readonly name: string;
  readonly tensor: GPUBuffer;
  readonly bytes: number;
}

/** Bytes of `count` elements, rounded up to the 4 that WebGPU asks of a binding. */
export function tensorBytes(count: number, elem: ElementType): number {
  return elem === 'f16' ? Math.ceil(count / 2) * 4 : count * 4;
}

/** @throws RangeError where a tensor does not fit its buffer or the device's limits. */
export function encodeDispatch(
  compiler: KernelCompiler,
  encoder: GPUCommandEncoder,
  pipeline: GPUComputePipeline,
  bindings: readonly TensorBinding[],
  workgroups: readonly [number, number, number],
): void {
  const { label } = pipeline;
  const { device } = compiler;
  const limit = device.limits.maxComputeWorkgroupsPerDimension;
  if (workgroups.some((count) => count > limit)) {
    throw new RangeError(`${label}: ${workgroups.join(' × ')} workgroups, the device allows ${limit} a dimension.`);
  }
  const bindGroup = compiler.bindGroup(
    pipeline,
    bindings.map((item) => checkedBinding(device, label, item)),
  );
  const pass = encoder.beginComputePass({ label });
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(...workgroups);
  pass.end();
}

function checkedBinding(device: GPUDevice, label: string, { name, tensor, bytes }: TensorBinding): GPUBufferBinding {
  if (bytes > tensor.size) {
    throw new RangeError(`${label}: ${name} needs ${bytes} bytes, the buffer "${tensor.label}" has ${tensor.size}.`);
  }
  const limit = device.limits.maxStorageBufferBindingSize;
  if (bytes > limit) {
    throw new RangeError(
      `${label}: ${name} is ${bytes} bytes, the device binds at most ${limit}. ` +
        "Request it with the adapter's maxStorageBufferBindingSize, or run fewer rows.",
    );
  }
  return { buffer: tensor, size: bytes };
}
