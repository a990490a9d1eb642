// What the benches share: the engine's modules through Vite, a WebGPU device by Dawn in Node, and counts of what is
// asked of it.

import { existsSync } from 'node:fs';
import { createServer } from 'vite';
import { create, globals } from 'webgpu';

const LAVAPIPE = ['/usr/share/vulkan/icd.d/lvp_icd.json', '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json'];
/** It compiles by LLVM: in half the time where it does not optimize, and counts with vectors of 128 bits. */
const LAVAPIPE_QUICKLY = { GALLIVM_PERF: 'nopt', LP_NATIVE_VECTOR_WIDTH: '128' };
const SWIFTSHADER = ['/usr/lib/chromium/vk_swiftshader_icd.json'];

const vite = await createServer({
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, watch: null, ws: false },
});

/** A module by its path from the root. @param {string} path @returns {Promise<Record<string, any>>} */
export const load = (path) => vite.ssrLoadModule(path);

// What the build puts into src/models/catalog.
Object.assign(globalThis, { __PUBLIC_FOLDERS__: (await load('/scripts/hashedFolders.ts')).PLAIN_FOLDERS });

/** Ends the bench. @returns {Promise<never>} */
export async function end() {
  await vite.close();
  // Dawn's thread outlives its device.
  process.exit(0);
}

/**
 * On the driver that VK_ICD_FILENAMES names, or on a software driver where there is one; with `hardware` on the
 * machine's GPU, with all that the engine asks of it, and on a software driver where there is no other; `quickly` where
 * its shaders compile for longer than they run.
 */
export async function openDawn({ swiftShader = false, hardware = false, quickly = false } = {}) {
  if (quickly) for (const [name, value] of Object.entries(LAVAPIPE_QUICKLY)) process.env[name] ??= value;
  const driver = (swiftShader ? SWIFTSHADER : LAVAPIPE).find((path) => existsSync(path));
  if (driver && !hardware && !process.env['VK_ICD_FILENAMES']) process.env['VK_ICD_FILENAMES'] = driver;
  Object.assign(globalThis, globals);
  const instance = create([]);
  const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('Dawn finds no GPU: install a Vulkan driver (mesa-vulkan-drivers).');
  if (hardware) {
    Object.defineProperty(globalThis, 'navigator', { value: { gpu: instance }, configurable: true });
    const gpu = await (await load('/src/engine/device.ts')).acquireGpu();
    if (typeof gpu === 'string') throw new Error(gpu);
    return { instance, adapter, device: /** @type {GPUDevice} */ (gpu.device) };
  }
  const { maxStorageBuffersPerShaderStage } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxStorageBuffersPerShaderStage } });
  return { instance, adapter, device };
}

/**
 * Tells of each call of a method, before it is made.
 * @param {any} prototype @param {string} method @param {(first: any) => void} count
 */
export function counting(prototype, method, count) {
  const call = prototype[method];
  prototype[method] = function (/** @type {unknown[]} */ ...values) {
    count(values[0]);
    return call.apply(this, values);
  };
}
