// What the benches share: the engine's modules through Vite, a WebGPU device by Dawn in Node, and counts of what is
// asked of it.

import { existsSync } from 'node:fs';
import { createServer } from 'vite';
import { create, globals } from 'webgpu';

const LAVAPIPE = ['/usr/share/vulkan/icd.d/lvp_icd.json', '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json'];
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

/** On the driver that VK_ICD_FILENAMES names, or on a software driver where there is one. */
export async function openDawn({ swiftShader = false } = {}) {
  const driver = (swiftShader ? SWIFTSHADER : LAVAPIPE).find((path) => existsSync(path));
  if (driver && !process.env['VK_ICD_FILENAMES']) process.env['VK_ICD_FILENAMES'] = driver;
  Object.assign(globalThis, globals);
  const instance = create([]);
  const adapter = await instance.requestAdapter();
  if (!adapter) throw new Error('Dawn finds no GPU: install a Vulkan driver (mesa-vulkan-drivers).');
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
