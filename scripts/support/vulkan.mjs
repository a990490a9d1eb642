// Whether Dawn (WebGPU in Node) finds a Vulkan driver, and with which environment. A Mesa of 2025 or Chromium's
// own SwiftShader will do where there is no GPU.

import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

// A process of its own: a driver that crashes must not take the caller along.
const PROBE = `
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  const adapter = await gpu.requestAdapter();
  if (!adapter) process.exit(1);
  await adapter.requestDevice();
  console.log(adapter.info.description || adapter.info.device || adapter.info.vendor);
  process.exit(0);
`;

/**
 * The adapter's name, or null where Dawn finds none.
 * @param {string} root the repository
 * @param {NodeJS.ProcessEnv} [env]
 */
export function probeAdapter(root, env = {}) {
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', PROBE], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return status === 0 ? stdout.trim() || 'unnamed adapter' : null;
}

/** The environment that points Dawn at the SwiftShader beside a Chromium; null where it carries none. */
export function swiftShaderEnvironment(/** @type {string | null} */ chromium) {
  if (!chromium) return null;
  const folders = [dirname(realpathSync(chromium)), '/usr/lib/chromium', '/opt/google/chrome'];
  const icd = folders.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find((path) => existsSync(path));
  return icd ? { VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: icd } : null;
}
