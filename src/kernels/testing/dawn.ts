// A GPU for tests in Node: Dawn through the `webgpu` package, on lavapipe or SwiftShader where the machine
// has no better driver. Sets VK_ICD_FILENAMES, which reaches the Vulkan loader only from a process's main
// thread, so these tests need Vitest's `forks` pool. Without a GPU the tests are skipped and say so
// loudly; with PAGODA_REQUIRE_GPU=1 they fail instead.

import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { create, globals } from 'webgpu';
import { prefersSwiftShader } from './driverPreference';

const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
/**
 * Software drivers that Dawn accepts, best first: lavapipe has f16, SwiftShader has not.
 * A test may want it otherwise (./preferSwiftShader).
 */
const SOFTWARE_DRIVERS = [
  ...(prefersSwiftShader() ? [SWIFTSHADER] : []),
  '/usr/share/vulkan/icd.d/lvp_icd.json',
  '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json',
  '/usr/share/vulkan/icd.d/lvp_icd.aarch64.json',
  SWIFTSHADER,
];

/**
 * lavapipe compiles by LLVM, for longer than shaders run here: in half the time where it does not optimize, and counts
 * with vectors of 128 bits.
 */
const LAVAPIPE = { GALLIVM_PERF: 'nopt', LP_NATIVE_VECTOR_WIDTH: '128' };

const REMEDY =
  'Install a Vulkan driver (Debian, Ubuntu: mesa-vulkan-drivers, Mesa 23 or newer; or chromium, which carries ' +
  'SwiftShader), or name one in VK_ICD_FILENAMES.';

/** What a test gets. `device` exists inside tests and hooks, the rest at collection too. */
export interface DawnGpu {
  /** Stands in for navigator.gpu. */
  readonly instance: GPU;
  readonly adapter: GPUAdapter;
  /** Whether the device has `shader-f16`. */
  readonly f16: boolean;
  /** Made anew for each describe block, with the adapter's own limits. */
  readonly device: GPUDevice;
}

/** Dawn works on a thread of its own for as long as the instance lives, so it is kept to the process's end:
 *  collecting it while a device or a promise of one is alive crashes Node. */
const kept = globalThis as typeof globalThis & { dawnInstance?: GPU };

/**
 * Dawn looks for what is done in each turn of the event loop while it waits: a core's whole time, of which drivers
 * compile and compute. A look a millisecond is as good.
 */
function lookLessOften(): void {
  const later = (callback: (...args: unknown[]) => void, ...args: unknown[]) => setTimeout(callback, 1, ...args);
  Object.assign(globalThis, { setImmediate: later });
}

async function findAdapter(): Promise<GPUAdapter | string> {
  if (process.platform === 'linux' && !process.env['VK_ICD_FILENAMES'] && !process.env['VK_DRIVER_FILES']) {
    const driver = SOFTWARE_DRIVERS.find((path) => existsSync(path));
    if (driver !== undefined) process.env['VK_ICD_FILENAMES'] = driver;
  }
  for (const [name, value] of Object.entries(LAVAPIPE)) process.env[name] ??= value;
  try {
    Object.assign(globalThis, globals);
    lookLessOften();
    kept.dawnInstance ??= create([]);
    const adapter = await kept.dawnInstance.requestAdapter();
    return adapter ?? 'Dawn finds no adapter';
  } catch (error) {
    return `Dawn does not start: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const found = await findAdapter();

/** The features that the engine uses too; `subgroups` stays off, no kernel here needs it. */
async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits: Record<string, number> = {};
  for (const name of [
    'maxBufferSize',
    'maxStorageBufferBindingSize',
    'maxStorageBuffersPerShaderStage',
    'maxComputeWorkgroupStorageSize',
    'maxComputeInvocationsPerWorkgroup',
    'maxComputeWorkgroupSizeX',
    'maxComputeWorkgroupSizeY',
    'maxComputeWorkgroupsPerDimension',
  ] as const) {
    requiredLimits[name] = adapter.limits[name];
  }
  const requiredFeatures: GPUFeatureName[] = adapter.features.has('shader-f16') ? ['shader-f16'] : [];
  return adapter.requestDevice({ label: 'test device', requiredLimits, requiredFeatures });
}

/**
 * `describe` for tests that need a GPU. A WebGPU error that no test expects (no error scope caught it) fails
 * the test during which it came up.
 */
export function describeOnDawn(name: string, body: (gpu: DawnGpu) => void): void {
  if (typeof found === 'string') {
    describeWithoutGpu(name, found);
    return;
  }
  const adapter = found;
  const f16 = adapter.features.has('shader-f16');
  if (!f16) console.warn(`\n⚠ ${name}: "${adapter.info.description}" has no shader-f16, f16 tests are NOT run.\n`);

  describe(name, () => {
    let device: GPUDevice | null = null;
    const errors: string[] = [];

    beforeAll(async () => {
      // An adapter gives one device only, so each block asks for its own.
      const own = await kept.dawnInstance!.requestAdapter();
      device = await requestDevice(own!);
      device.addEventListener('uncapturederror', (event) => {
        errors.push(event.error.message);
      });
    });

    afterEach(async () => {
      await device!.queue.onSubmittedWorkDone();
      expect(errors.splice(0), 'WebGPU errors that nobody caught').toEqual([]);
    });

    afterAll(async () => {
      device!.destroy();
      await device!.lost;
      device = null;
    });

    body({
      instance: kept.dawnInstance!,
      adapter,
      f16,
      get device(): GPUDevice {
        if (device === null) throw new Error('The GPUDevice exists only while tests run.');
        return device;
      },
    });
  });
}

function describeWithoutGpu(name: string, reason: string): void {
  if (process.env['PAGODA_REQUIRE_GPU'] === '1') {
    describe(name, () => {
      it('needs a GPU', () => expect.fail(`${reason}. ${REMEDY}`));
    });
    return;
  }
  console.warn(`\n⚠ SKIPPED, no GPU: ${name}\n  ${reason}.\n  ${REMEDY}\n`);
  describe(name, () => {
    it.skip(`SKIPPED, no GPU: ${reason}`, () => undefined);
  });
}
