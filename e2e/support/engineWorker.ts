// Reaching into the engine's worker from a test: a snippet put before its script, and the GPU device that it
// takes. So faults are made in the browser, and the product has no switches for them. And what a worker is refused.

import type { Page, Worker } from '@playwright/test';

/** The worker itself is a blob of one line, which imports this. */
const SCRIPT = /\/assets\/worker-[^/]*\.js(\?.*)?$/;
const MODELS_SCRIPT = /\/modelsWorker[^/]*$/;

/** Runs `snippet` (JavaScript) in each engine worker started from now on, before the engine's own code. */
export async function prependToEngine(page: Page, snippet: string): Promise<void> {
  await page.route(SCRIPT, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${snippet}\n${await response.text()}` });
  });
}

/** Takes all snippets away again; workers already running keep theirs. */
export async function restoreEngine(page: Page): Promise<void> {
  await page.unroute(SCRIPT);
}

/** The engine's worker; waits until the page has started it. */
export async function engineWorker(page: Page): Promise<Worker> {
  const isEngine = (worker: Worker) => worker.url().startsWith('blob:');
  return page.workers().find(isEngine) ?? (await page.waitForEvent('worker', isEngine));
}

/** The worker of models, which the page starts when its dialog opens. */
export async function modelsWorker(page: Page): Promise<Worker> {
  const isOfModels = (worker: Worker) => MODELS_SCRIPT.test(worker.url());
  return page.workers().find(isOfModels) ?? (await page.waitForEvent('worker', isOfModels));
}

/** The directives of its policy that refuse something when `worker` evaluates a text and then asks `url`. */
export function refusals(worker: Worker, url: string): Promise<string[]> {
  return worker.evaluate(async (elsewhere) => {
    const refused: string[] = [];
    self.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => refused.push(effectiveDirective));
    // In a task of the worker's own: one that the inspector starts may evaluate whatever the policy says.
    await new Promise<void>((done) =>
      setTimeout(() => {
        try {
          (0, eval)('0');
        } catch {
          // It is the event that tells.
        }
        done();
      }),
    );
    await fetch(elsewhere).catch(() => {});
    // Violations are told in tasks of their own.
    await new Promise((done) => setTimeout(done));
    return refused;
  }, url);
}

/** Keeps the engine's device on `self.__device`, for `loseDevice`. */
export const CAPTURE_DEVICE = `{
  const requestDevice = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    return (self.__device = await requestDevice.call(this, descriptor));
  };
}`;

/** Destroys the device that the engine works with, as a driver that resets does. Needs CAPTURE_DEVICE. */
export async function loseDevice(page: Page): Promise<void> {
  const worker = await engineWorker(page);
  await worker.evaluate(() => (self as unknown as { __device: GPUDevice }).__device.destroy());
}

/** Has the GPU say nothing any more from the moment on that `self.__silent` is true: no promise of it is kept. */
export const MAY_FALL_SILENT = `{
  const silence = (kind, method) => {
    const call = kind.prototype[method];
    kind.prototype[method] = function (...values) {
      return self.__silent ? new Promise(() => {}) : call.apply(this, values);
    };
  };
  silence(GPUBuffer, 'mapAsync');
  silence(GPUQueue, 'onSubmittedWorkDone');
  silence(GPUDevice, 'popErrorScope');
  silence(GPUDevice, 'createComputePipelineAsync');
}`;

/** Needs MAY_FALL_SILENT. */
export async function silenceGpu(page: Page): Promise<void> {
  await (await engineWorker(page)).evaluate(() => {
    (self as unknown as { __silent: boolean }).__silent = true;
  });
}

/**
 * Counts on `self.__alive` what the engine, ONNX Runtime included, has of the GPU and has not given back: buffers,
 * their bytes, and whatever else must be destroyed. Left out are our kernels' parameters, which are kept by what is in
 * them, so many and no more (kernels/compiler).
 */
export const COUNT_ALIVE = `{
  const alive = (self.__alive = { buffers: 0, bytes: 0, others: 0 });
  const device = GPUDevice.prototype;
  const kinds = [['createBuffer', GPUBuffer], ['createTexture', GPUTexture], ['createQuerySet', GPUQuerySet]];
  for (const [make, kind] of kinds) {
    const [create, destroy, here] = [device[make], kind.prototype.destroy, new WeakSet()];
    const count = (it, by) => {
      if (kind !== GPUBuffer) alive.others += by;
      else [alive.buffers, alive.bytes] = [alive.buffers + by, alive.bytes + by * it.size];
    };
    device[make] = function (descriptor) {
      const it = create.call(this, descriptor);
      if (/ parameters$/.test(descriptor.label)) return it;
      here.add(it);
      count(it, 1);
      return it;
    };
    kind.prototype.destroy = function () {
      if (here.delete(this)) count(this, -1);
      return destroy.call(this);
    };
  }
}`;

/** What COUNT_ALIVE has counted. */
export async function aliveOnGpu(page: Page): Promise<Readonly<Record<'buffers' | 'bytes' | 'others', number>>> {
  type Counted = { __alive: Readonly<Record<'buffers' | 'bytes' | 'others', number>> };
  return (await engineWorker(page)).evaluate(() => (self as unknown as Counted).__alive);
}

/** Tells the engine that no buffer may be larger than so many bytes, or none bound that is. */
export function limitBuffers(limits: {
  readonly maxBufferSize?: number;
  readonly maxStorageBufferBindingSize?: number;
}): string {
  return Object.entries(limits)
    .map(([name, bytes]) => `Object.defineProperty(GPUSupportedLimits.prototype, '${name}', { get: () => ${bytes} });`)
    .join('\n');
}

/**
 * Keeps the types of the engine's events on `self.__said`, in order, and those of loading whole on `self.__loading`.
 */
export const RECORD_EVENTS = `{
  self.__said = [];
  const post = self.postMessage.bind(self);
  self.postMessage = (event, ...rest) => {
    self.__said.push(event.type);
    if (event.type === 'loading') (self.__loading ??= []).push(event);
    post(event, ...rest);
  };
}`;

/** Makes every shader whose label matches fail to compile. */
export function breakShaders(label: RegExp): string {
  return `{
    const create = GPUDevice.prototype.createShaderModule;
    GPUDevice.prototype.createShaderModule = function (descriptor) {
      const broken = ${String(label)}.test(descriptor.label ?? '');
      return create.call(this, broken ? { ...descriptor, code: descriptor.code + '\\nbroken on purpose' } : descriptor);
    };
  }`;
}

/** Makes ONNX Runtime's MultiHeadAttention compute something else, as it does on some GPUs: the bases of its powers are
 *  2 instead of e. Counts on `self.__spoiled` the shaders that it met. */
export const SPOIL_ATTENTION = `{
  const create = GPUDevice.prototype.createShaderModule;
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    const isAttention = /FlashAttention/.test(descriptor.label ?? '') && /\\bexp\\(/.test(descriptor.code);
    if (isAttention) self.__spoiled = (self.__spoiled ?? 0) + 1;
    if (!isAttention) return create.call(this, descriptor);
    return create.call(this, { ...descriptor, code: descriptor.code.replaceAll(/\\bexp\\(/g, 'exp2(') });
  };
}`;

/** Makes ONNX Runtime's convolutions forget what they have summed up each time they go on. */
export const SPOIL_CONVOLUTIONS = `{
  const create = GPUDevice.prototype.createShaderModule;
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    const isConvolution = /^Conv2dMM/.test(descriptor.label ?? '');
    if (!isConvolution) return create.call(this, descriptor);
    return create.call(this, { ...descriptor, code: descriptor.code.replaceAll('+ acc[i]', '+ 0 * acc[i]') });
  };
}`;
