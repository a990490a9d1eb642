// What a model asks of this device, from all its graphs as they will run, before any session is built.

import { rowGuidance } from '../diffusion/guidance';
import { PROMPT_TOKENS, type Buffer, type Needs } from '../models/preflight';
import { graphNeeds } from '../onnx/graph/needs';
import type { RunExtent } from '../protocol/requests';
import { keepsTextEncoders, machineMemoryGiB } from './memory';
import type { OnnxFile } from './onnxFile';
import { leastInTiles } from './tiledGraph';

export interface ModelGraphs {
  readonly unet: OnnxFile;
  readonly texts: readonly OnnxFile[];
  readonly vae: OnnxFile;
  /** Sizes of the UNet's inputs with so many rows. */
  readonly unetDims: (rows: number) => ReadonlyMap<string, readonly number[]>;
  /** Of the decoder's. */
  readonly vaeDims: ReadonlyMap<string, readonly number[]>;
}

/** @param rows how many rows of the UNet a run has at once. */
export function modelNeeds({ unet, texts, vae, unetDims, vaeDims }: ModelGraphs, rows: number): Needs {
  const unetNeeds = graphNeeds(unet.graph.model, unetDims(rows));
  const oneRow = graphNeeds(unet.graph.model, unetDims(1));
  const vaeNeeds = graphNeeds(vae.graph.model, vaeDims);
  const textNeeds = texts.map((text) => graphNeeds(text.graph.model, promptDims(text)));
  const all = [unetNeeds, vaeNeeds, ...textNeeds];
  const weightBytes = all.reduce((sum, graph) => sum + graph.weightBytes, 0);
  // Where memory is short a text encoder is gone before the UNet is built.
  const turns = vaeNeeds.weightBytes + Math.max(unetNeeds.weightBytes, ...textNeeds.map((text) => text.weightBytes));
  const inTiles = leastInTiles(vae, vaeDims);
  const buffers = (graphs: readonly (typeof unetNeeds)[]): Buffer[] =>
    graphs.map((graph, index) => ({
      what: ['The UNet', 'The VAE decoder'][index] ?? 'The text encoder',
      bytes: Math.max(graph.largestWeight, graph.largestTensor),
      ...(graph === vaeNeeds && inTiles !== null && { inTiles: Math.max(graph.largestWeight, inTiles) }),
    }));
  return {
    weightBytes,
    residentBytes: keepsTextEncoders(weightBytes, machineMemoryGiB()) ? weightBytes : turns,
    buffers: buffers(all),
    inescapable: buffers([oneRow, vaeNeeds, ...textNeeds]),
    half: [unet, vae, ...texts].some((file) => file.widened) || all.some((graph) => graph.half),
  };
}

/** UNet rows at once: of each image one for CFG and one for the prompt, and of one image one for PAG. */
export function rowsOfRun(
  { compare, earlier = [], ...last }: Pick<RunExtent, 'compare' | 'guidanceScale' | 'pagScale' | 'earlier'>,
  guidanceEmbedded: boolean,
): number {
  const rows = [...earlier, last].map(({ guidanceScale, pagScale }) => {
    const plain = rowGuidance(guidanceScale, guidanceEmbedded) > 1 ? 2 : 1;
    return plain * (compare ? 2 : 1) + Number(pagScale > 0);
  });
  return Math.max(...rows);
}

/** One prompt at a time, as long as CLIP reads it, unless the graph says otherwise. */
function promptDims({ inputs }: OnnxFile): Map<string, readonly number[]> {
  return new Map(
    inputs.map(({ name, dims }) => [
      name,
      (dims ?? []).map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : PROMPT_TOKENS)),
    ]),
  );
}
