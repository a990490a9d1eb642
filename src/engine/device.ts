// The one GPUDevice. It asks for the adapter's own limits, f16 where there is, and subgroups only where they are
// wide: ONNX Runtime's attention is wrong on adapters with small ones (./attentionCheck).

import type { DeviceInfo } from '../protocol/loaded';
import type { GpuWaits } from './gpuWaits';
import { RUNTIME_BUILD, threadCount } from './runtime';

export interface Gpu {
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
}

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;
const SMALLEST_SUBGROUP = 16;
const A_GPU = 'a GPU';

/**
 * A device, or the reason as a sentence why there is none. Wide subgroups are taken unless `subgroups` is false, and
 * f16 unless `f16` is.
 */
export async function acquireGpu(waits: GpuWaits, { subgroups = true, f16 = true } = {}): Promise<Gpu | string> {
  const gpu = (navigator as { gpu?: GPU }).gpu;
  waits.watch(null);
  if (!gpu) return 'No WebGPU here.';
  const adapter = await waits.during(A_GPU, () => gpu.requestAdapter({ powerPreference: 'high-performance' }));
  if (!adapter) return 'No usable GPU here.';
  const features: GPUFeatureName[] = [];
  if (f16 && adapter.features.has('shader-f16')) features.push('shader-f16');
  if (subgroups && adapter.features.has('subgroups') && (adapter.info.subgroupMinSize ?? 0) >= SMALLEST_SUBGROUP)
    features.push('subgroups');
  try {
    const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
    const device = await waits.during(A_GPU, () =>
      adapter.requestDevice({ label: 'engine', requiredFeatures: features, requiredLimits }),
    );
    const info = {
      backend: 'webgpu',
      adapter: adapterName(adapter.info),
      f16: features.includes('shader-f16'),
      threads: threadCount(),
      limits: limitsOf(device),
      fallbackReason: null,
      wrongOperators: [],
      facts: {
        adapter: adapterFacts(adapter.info),
        limits: Object.fromEntries(LIMITS.map((name) => [name, device.limits[name]])),
        features: [...device.features].sort(),
        checks: [],
        workedRound: [],
        build: RUNTIME_BUILD,
      },
    } as const;
    return { device, info };
  } catch (error) {
    return `The GPU gave no device: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function cpuInfo(fallbackReason: string | null): DeviceInfo {
  return {
    backend: 'wasm',
    adapter: 'CPU',
    f16: false,
    threads: threadCount(),
    limits: null,
    fallbackReason,
    wrongOperators: [],
    facts: { adapter: {}, limits: {}, features: [], checks: [], workedRound: [], build: RUNTIME_BUILD },
  };
}

function limitsOf({ limits }: GPUDevice): DeviceInfo['limits'] {
  return { maxBufferSize: limits.maxBufferSize, maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize };
}

function adapterFacts({
  vendor,
  architecture,
  device,
  description,
  subgroupMinSize,
  subgroupMaxSize,
}: GPUAdapterInfo): Record<string, string> {
  const subgroups = subgroupMinSize ? `${subgroupMinSize} to ${subgroupMaxSize}` : '';
  const all = { vendor, architecture, device, description, subgroups };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value));
}

/** Browsers hide much of it; the longest name that is there says most. */
function adapterName(info: GPUAdapterInfo): string {
  if (info.description) return info.description;
  const name = [info.vendor, info.architecture, info.device].filter(Boolean).join(' ');
  return name || 'GPU';
}
