// A look at the beginning of the UNet's file on the hub. A file that is no longer than that (its weights lie beside
// it) is read whole, and tells its largest buffer too. What goes wrong here costs nothing but precision.

import { PROMPT_TOKENS } from '../models/preflight';
import type { UnetConfig } from '../configs/schemas';
import { headUsesFloat16 } from '../onnx/file/head';
import type { Model } from '../onnx/file/model';
import { graphNeeds } from '../onnx/graph/needs';
import { readModel } from '../onnx/file/read';
import { runnable } from '../onnx/passes/runnable';
import { NO_GLANCE, type GraphGlance } from '../models/estimate';
import { lookAtStart, MOST_BYTES, type FileAt, type FileStart } from './fileStart';

/** Bytes after which it is worth looking at what has come: the nodes of SD 1.x have 1 to 2 MB. */
const LOOKS = [0.25, 1, 2, 4].map((mega) => mega * 2 ** 20);
const UNET = 'unet/model.onnx';

export interface GlanceAt extends FileAt {
  readonly unetConfig: UnetConfig;
}

/** @throws only AbortError of `signal`. */
export async function glanceAtGraph({ unetConfig, ...file }: GlanceAt, signal: AbortSignal): Promise<GraphGlance> {
  const looks = [...LOOKS];
  const tell = async ({ bytes, ended, blob }: FileStart): Promise<GraphGlance | null> => {
    if (ended && bytes === file.size) {
      const { half, largestWeight, largestTensor } = needsOfOneRow(await readModel(blob(), UNET), unetConfig);
      return { half, largest: Math.max(largestWeight, largestTensor) };
    }
    // A file that comes whole tells more at its end.
    if (!ended && (file.size <= MOST_BYTES || bytes < (looks[0] ?? Infinity))) return null;
    while (bytes >= (looks[0] ?? Infinity)) looks.shift();
    const half = await headUsesFloat16(blob(), file.size);
    return half === null && !ended ? null : { half, largest: null };
  };
  return (await lookAtStart(file, tell, signal)) ?? NO_GLANCE;
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
