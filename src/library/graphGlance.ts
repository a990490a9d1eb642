// A look at the beginning of the UNet's file on the hub, before anything is downloaded: one request for a bounded
// range, given up as soon as enough is known. A file that is no longer than the range (its weights lie beside it) is
// read whole, and tells its largest buffer too. What goes wrong here costs nothing but precision.

import { PROMPT_TOKENS } from '../models/preflight';
import type { UnetConfig } from '../configs/schemas';
import { headUsesFloat16 } from '../onnx/file/head';
import type { Model } from '../onnx/file/model';
import { graphNeeds } from '../onnx/graph/needs';
import { readModel } from '../onnx/file/read';
import { runnable } from '../onnx/passes/runnable';
import { NO_GLANCE, type GraphGlance } from '../models/estimate';

/** The largest graph without weights, SDXL's, has about 7 MB; the nodes of SD 1.x have 1 to 2. */
const MOST_BYTES = 8 * 2 ** 20;
/** Bytes after which it is worth looking at what has come. */
const LOOKS = [0.25, 1, 2, 4].map((mega) => mega * 2 ** 20);
const PATIENCE_MS = 15_000;

export interface GlanceAt {
  readonly url: string;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly unetConfig: UnetConfig;
}

/** @throws only AbortError of `signal`. */
export async function glanceAtGraph(
  { url, size, unetConfig }: GlanceAt,
  signal: AbortSignal,
  fetchIt: typeof fetch = fetch,
): Promise<GraphGlance> {
  const enough = new AbortController();
  try {
    const length = Math.min(size, MOST_BYTES);
    const response = await fetchIt(url, {
      headers: { Range: `bytes=0-${length - 1}` },
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.any([signal, enough.signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    // A server that ignores the range would send gigabytes.
    if (!response.body || (response.status !== 206 && !(response.status === 200 && size <= length))) return NO_GLANCE;
    return await read(response.body, length, size, unetConfig);
  } catch {
    signal.throwIfAborted();
    return NO_GLANCE;
  } finally {
    enough.abort(); // lets go of a body that was not read to its end
  }
}

async function read(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  length: number,
  size: number,
  unetConfig: GlanceAt['unetConfig'],
): Promise<GraphGlance> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const looks = size > length ? [...LOOKS] : [];
  let bytes = 0;
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done && bytes < length; next = await reader.read()) {
    chunks.push(next.value);
    bytes += next.value.length;
    if (bytes < (looks[0] ?? Infinity)) continue;
    while (bytes >= (looks[0] ?? Infinity)) looks.shift();
    const half = await headUsesFloat16(new Blob(chunks), size);
    if (half !== null) return { half, largest: null };
  }
  const head = new Blob(chunks);
  if (bytes !== size) return { half: await headUsesFloat16(head, size), largest: null };
  const { half, largestWeight, largestTensor } = needsOfOneRow(await readModel(head, 'unet/model.onnx'), unetConfig);
  return { half, largest: Math.max(largestWeight, largestTensor) };
}

/** Latents have four axes, the prompt three; the config says how large a picture the model makes. */
function needsOfOneRow(model: Model, { sample_size: size, in_channels: channels }: GlanceAt['unetConfig']) {
  const edges = Array.isArray(size) ? size : [size, size];
  const latents = [1, channels ?? 4, ...edges];
  const usual = (dims: readonly (number | string)[]) =>
    dims.length === 4 && latents.every((dim) => dim !== undefined)
      ? latents
      : dims.length === 3
        ? [1, PROMPT_TOKENS, 1]
        : dims.map(() => 1);
  const sizes = model.inputs.flatMap(({ name, dims }) =>
    dims ? [[name, dims.map((dim, axis) => (typeof dim === 'number' ? dim : (usual(dims)[axis] ?? 1)))] as const] : [],
  );
  return graphNeeds(runnable(model, { f16: true, fusesAttention: true }).model, new Map(sizes));
}
