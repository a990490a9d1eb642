// Whether a device can hold a model, in words, before anything large is fetched. Sizes are those of the listing;
// the largest buffers are worked out from the configs as the architecture lays them out: the token embedding
// (vocabulary × width), the widest convolution of the UNet (9·2C·C), the VAE's last feature map at full size.

export interface Weights {
  readonly bytes: number;
  /** Paths of the graphs; half precision is told from a name. */
  readonly paths: readonly string[];
  readonly unetConfig: Readonly<Record<string, unknown>>;
  readonly textConfig: Readonly<Record<string, unknown>>;
}

export interface Capacity {
  /** null until the engine has said which device it runs on. */
  readonly device: { readonly backend: 'webgpu' | 'wasm'; readonly f16: boolean; readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number } | null } | null;
  /** Bytes that the browser still grants; null where it does not say, or nothing has to be stored. */
  readonly freeBytes: number | null;
}

export interface Verdict {
  readonly level: 'fits' | 'doubtful' | 'no';
  /** Sentences, the gravest first. */
  readonly reasons: readonly string[];
}

/** wasm32 addresses 4 GB; runtime and activations need some of it. */
const WASM_LIMIT = 3.2e9;
const WASM_SLOW = 0.5e9;
const F16_NAME = /(fp16|f16|float16|half)/i;

export function preflight(weights: Weights, { device, freeBytes }: Capacity): Verdict {
  const no: string[] = [];
  const doubts: string[] = [];
  if (freeBytes !== null && freeBytes < weights.bytes) {
    no.push(`The browser grants ${sizeText(freeBytes)} more, ${sizeText(weights.bytes)} are needed. Delete a model or free space on the disk.`);
  }
  const half = weights.paths.some((path) => F16_NAME.test(path));
  const largest = largestBuffer(weights, half && device?.f16 === true ? 2 : 4);
  if (device?.backend === 'webgpu' && device.limits && largest) {
    const limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
    if (largest.bytes > limit) doubts.push(`${largest.what} needs a buffer of about ${sizeText(largest.bytes)}; this GPU allows ${sizeText(limit)}. It may fail; the CPU can be chosen instead.`);
  }
  if (device?.backend === 'wasm') {
    if (weights.bytes > WASM_LIMIT) no.push(`Without WebGPU a model may have ${sizeText(WASM_LIMIT)} at most; this one has ${sizeText(weights.bytes)}.`);
    else if (weights.bytes > WASM_SLOW) doubts.push('It runs on the CPU here, which takes minutes per step for a model of this size.');
  }
  if (half && device && !device.f16) doubts.push('Its weights are half precision, which this device does not compute in: it needs twice the memory and is slower.');
  return { level: no.length > 0 ? 'no' : doubts.length > 0 ? 'doubtful' : 'fits', reasons: [...no, ...doubts] };
}

/** null where the configs do not say. `unit` is bytes per value. */
export function largestBuffer({ unetConfig, textConfig }: Pick<Weights, 'unetConfig' | 'textConfig'>, unit: number): { readonly what: string; readonly bytes: number } | null {
  const candidates: { what: string; bytes: number }[] = [];
  const add = (what: string, ...factors: unknown[]) => {
    if (factors.every((factor) => typeof factor === 'number' && factor > 0)) candidates.push({ what, bytes: (factors as number[]).reduce((product, factor) => product * factor, unit) });
  };
  add('The text encoder', textConfig['vocab_size'], textConfig['hidden_size']);
  const channels = unetConfig['block_out_channels'];
  const widest = Array.isArray(channels) ? Math.max(...(channels as number[])) : undefined;
  add('The UNet', widest, widest, 18);
  const size = unetConfig['sample_size'];
  const [height, width] = Array.isArray(size) ? (size as number[]) : [size, size];
  // 8 pixels a latent; 256 channels before the last block, as in every Stable Diffusion VAE.
  add('The VAE decoder', height, width, 64, 256);
  return candidates.reduce<{ what: string; bytes: number } | null>((best, one) => (best && best.bytes >= one.bytes ? best : one), null);
}

/** "1.7 GB", decimal units, as disks and browsers show them. */
export function sizeText(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(0, Math.round(bytes / 1e3))} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
