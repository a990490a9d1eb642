// Whether a device can hold a model, in words: before anything large is fetched, from the listing, the configs and the
// head of the UNet's graph; and before it is loaded, from all its graphs. Limits and sentences are here alone.

/** Tokens of a prompt where neither graph nor config says: CLIP's. */
export const PROMPT_TOKENS = 77;

export interface Buffer {
  /** What needs it, as a sentence begins: "The UNet". */
  readonly what: string;
  readonly bytes: number;
  /** Of what still is whole where the picture is decoded in tiles; absent where it cannot be. */
  readonly inTiles?: number;
}

/** What a model asks of a device. */
export interface Needs {
  /** Of all weights, as they lie in memory; for an estimate, as they lie in the files. */
  readonly weightBytes: number;
  /** Of the weights that are in memory at once; null where that is not known. */
  readonly residentBytes: number | null;
  /** The largest buffers of a run, of which a device may refuse any. */
  readonly buffers: readonly Buffer[];
  /** Those that nothing but a smaller picture makes smaller: weights, and tensors of one row. Empty for an estimate. */
  readonly inescapable: readonly Buffer[];
  /** Whether it was exported in half precision. */
  readonly half: boolean;
}

export interface Capacity {
  /** null until the engine has said which device it runs on. */
  readonly device: {
    readonly backend: 'webgpu' | 'wasm';
    readonly f16: boolean;
    readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number } | null;
  } | null;
  /** Bytes that the browser still grants; null where it does not say, or nothing has to be stored. */
  readonly freeBytes: number | null;
  /** `navigator.deviceMemory`: rounded and capped; undefined where the browser does not say. */
  readonly memoryGiB: number | undefined;
}

export interface Verdict {
  readonly level: 'fits' | 'doubtful' | 'no';
  /** Sentences, the gravest first; what fits may have some too, of what it costs. */
  readonly reasons: readonly string[];
}

/** wasm32 addresses 4 GB; runtime and activations need some of it. */
const WASM_LIMIT = 3.2e9;
const WASM_SLOW = 0.5e9;
/** Of one tensor on the CPU: ONNX Runtime holds three such ones at once. */
export const WASM_TENSOR = 2 ** 29;
/** Weights above this share of the machine's memory leave too little for the rest. */
const MEMORY_SHARE = 0.75;

/** @param fetched bytes that are still to be fetched and stored; 0 where all is here. */
export function preflight(needs: Needs, { device, freeBytes, memoryGiB }: Capacity, fetched = 0): Verdict {
  const no: string[] = [];
  const doubts: string[] = [];
  /** What only costs time. */
  const notes: string[] = [];
  if (freeBytes !== null && freeBytes < fetched) {
    no.push(
      `The browser grants ${sizeText(freeBytes)} more, ${sizeText(fetched)} are needed. ` +
        'Delete a model or free space on the disk.',
    );
  }
  const { weightBytes, half } = needs;
  const resident = needs.residentBytes ?? weightBytes;
  const bindable = bindableOf(device);
  const largest = largestOf(tiledWhere(needs.buffers, bindable));
  for (const { what, bytes, inTiles = Infinity } of needs.buffers) {
    if (bytes <= bindable || inTiles > bindable) continue;
    const allowed = device?.limits ? 'this GPU allows' : 'on the CPU it gets';
    notes.push(
      `${what} would need a buffer of ${sizeText(bytes)}, and ${allowed} ${sizeText(bindable)}: it decodes in tiles.`,
    );
  }
  if (device?.backend === 'webgpu' && device.limits) {
    const { maxBufferSize } = device.limits;
    const never = largestOf(tiledWhere(needs.inescapable, bindable));
    if (never && never.bytes > maxBufferSize)
      no.push(`${bufferText(never)} this GPU allows ${sizeText(maxBufferSize)}.`);
    else if (largest && largest.bytes > bindable)
      doubts.push(
        `${bufferText(largest)} this GPU allows ${sizeText(bindable)}. It may fail; the CPU can be chosen instead.`,
      );
  }
  if (device?.backend === 'wasm') {
    const never = largestOf(needs.inescapable);
    if (never && never.bytes > WASM_LIMIT)
      no.push(`${bufferText(never)} on the CPU ${sizeText(WASM_LIMIT)} can be in memory at most.`);
    if (resident > WASM_LIMIT)
      no.push(
        `On the CPU ${sizeText(WASM_LIMIT)} of weights can be in memory at most; ` +
          `this model needs ${sizeText(resident)}.`,
      );
    else if (largest && resident + largest.bytes > WASM_LIMIT)
      doubts.push(
        `On the CPU ${sizeText(WASM_LIMIT)} can be in memory at most; ` +
          `this model needs ${sizeText(resident)} for weights ` +
          `and ${sizeText(largest.bytes)} at once for what it computes.`,
      );
    if (resident <= WASM_LIMIT && weightBytes > WASM_SLOW)
      notes.push('It runs on the CPU here, which takes minutes per step for a model of this size.');
  }
  if (memoryGiB !== undefined && resident > MEMORY_SHARE * memoryGiB * 2 ** 30) {
    doubts.push(
      `Its weights take ${sizeText(resident)} of memory, ` +
        `and the browser says that this machine has about ${memoryGiB} GB.`,
    );
  }
  if (half && device && !device.f16)
    notes.push(
      'This device has no f16, so the half precision model runs in f32: slower, ' +
        `and with ${sizeText(weightBytes)} of weights in memory.`,
    );
  return {
    level: no.length > 0 ? 'no' : doubts.length > 0 ? 'doubtful' : 'fits',
    reasons: [...no, ...doubts, ...notes],
  };
}

/** What is refused, why, and what can be done. @param ofSize whether a smaller picture would be held better. */
export function refusalText(reason: string, backend: 'webgpu' | 'wasm', ofSize: boolean): string {
  const device = backend === 'webgpu' ? 'This GPU' : 'The CPU';
  if (ofSize) return `${device} cannot hold a picture of this size. ${reason} Choose a smaller size.`;
  const way =
    backend === 'webgpu'
      ? 'Use the CPU instead, or choose another model.'
      : 'Choose a smaller model, or a browser with WebGPU.';
  return `${device} cannot hold the model. ${reason} ${way}`;
}

/** Of the largest buffer of a run that makes several images at once; all that is in memory is some dozens of it. */
const MOST_TOGETHER = 2 ** 28;

/** How many of so many images are made at once: those whose rows the device holds, in batches of about one size. */
export function imagesAtOnce(images: number, needs: (together: number) => Needs, capacity: Capacity): number {
  for (let together = images; together > 1; together -= 1) {
    const asked = needs(together);
    const isSmall = (largestOf(asked.buffers)?.bytes ?? 0) <= MOST_TOGETHER;
    if (isSmall && preflight(asked, capacity).level === 'fits') return Math.ceil(images / Math.ceil(images / together));
  }
  return 1;
}

/** The figures behind a verdict: "2.6 GB of weights, the largest buffer 268 MB, f16". */
export function needsText({ weightBytes, buffers, half }: Needs, device: NonNullable<Capacity['device']>): string {
  const { f16 } = device;
  const largest = largestOf(tiledWhere(buffers, bindableOf(device)));
  const parts = [
    `${sizeText(weightBytes)} of weights`,
    ...(largest ? [`the largest buffer ${sizeText(largest.bytes)}`] : []),
    half && f16 ? 'f16' : 'f32',
  ];
  return parts.join(', ');
}

/** Bytes of the largest tensor that a device takes. */
function bindableOf(device: Capacity['device']): number {
  if (device?.backend === 'wasm') return WASM_TENSOR;
  const limits = device?.limits;
  return limits ? Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize) : Infinity;
}

/** The buffers as they are where those that are too large are made in tiles. */
function tiledWhere(buffers: readonly Buffer[], bindable: number): Buffer[] {
  return buffers.map((buffer) =>
    buffer.bytes > bindable ? { ...buffer, bytes: buffer.inTiles ?? buffer.bytes } : buffer,
  );
}

function largestOf(buffers: readonly Buffer[]): Buffer | null {
  return buffers.reduce<Buffer | null>((best, one) => (best && best.bytes >= one.bytes ? best : one), null);
}

function bufferText({ what, bytes }: Buffer): string {
  return `${what} needs a buffer of ${sizeText(bytes)};`;
}

/** "1.7 GB", decimal units, as disks and browsers show them. */
export function sizeText(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(0, Math.round(bytes / 1e3))} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
