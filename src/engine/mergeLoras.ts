// LoRA in the weights of a model that is open. A network whose LoRA have changed gets a graph of other weights; of what
// was built of the old one all stays whose weights are the same, and nothing else is read again.

import { fitLora } from '../checkpoints/lora/loraFit';
import { readLora } from '../checkpoints/lora/loraFile';
import type { LoraNetwork } from '../checkpoints/lora/loraTargets';
import type { LoraUse } from '../protocol/loaded';
import type { LoraRef } from '../protocol/modelRefs';
import { textEncoder, type DiffusionModel } from './diffusionModel';
import { LoraStack, type OpenedLora } from './loraStack';
import type { GraphFile } from './modelFiles';
import { OnnxFile } from './onnxFile';
import { Unet } from './unet';

/** Keys that fit nothing, as many as are listed. */
const LISTED = 200;

/**
 * The model with these in its weights; itself where they are already, or where its weights take none.
 * @throws EngineError `lora-invalid`; the model is as it was.
 */
export async function mergeLoras(model: DiffusionModel, refs: readonly LoraRef[]): Promise<DiffusionModel> {
  const { files, backend, loras: before } = model;
  if (!files.loraTargets || sameLoras(before?.all ?? [], refs)) return model;
  const after = new LoraStack(await openLoras(refs, files.loraTargets, before), files.open);
  const changed = (network: LoraNetwork) => (before?.signature(network) ?? '') !== after.signature(network);
  const built = (network: LoraNetwork, graph: GraphFile, path = '') => {
    if (graph instanceof Blob) throw new Error('A graph in a file takes no LoRA.');
    const merged = graph(backend, (weights) => after.weights(network, weights));
    return OnnxFile.built(merged, path, { device: backend, openFile: after.open });
  };
  const ofUnet = changed('unet') ? built('unet', files.unet, files.paths.unet) : null;
  const ofTexts = [
    { network: 'text', graph: files.textEncoder, path: files.paths.textEncoder } as const,
    ...(files.second ? [{ network: 'text2', graph: files.second.graph, path: files.paths.textEncoder2 } as const] : []),
  ].map(({ network, graph, path }) => (changed(network) ? built(network, graph, path).withTokensOutside() : null));
  const unet = ofUnet ? new Unet(backend, ofUnet, files.unetConfig) : model.unet;
  const encoders = ofTexts.map((graph, at) => graph && textEncoder(backend, files, graph, at, unet));
  // Nothing fails from here on.
  if (unet !== model.unet) unet.takeOver(model.unet);
  for (const [at, encoder] of encoders.entries()) if (encoder) await model.prompts.replace(at, encoder);
  return { ...model, unet, loras: after, info: { ...model.info, loras: usesOf(after.all) } };
}

function sameLoras(opened: readonly OpenedLora[], refs: readonly LoraRef[]): boolean {
  return (
    opened.length === refs.length &&
    refs.every(({ id, weight }, at) => opened[at]?.id === id && opened[at].weight === weight)
  );
}

/** Of a file that is open already the header is not read again. */
async function openLoras(
  refs: readonly LoraRef[],
  targets: NonNullable<DiffusionModel['files']['loraTargets']>,
  before: LoraStack | null,
): Promise<OpenedLora[]> {
  const own = targets();
  return Promise.all(
    refs.map(async ({ id, name, file, weight }) => {
      const fit = before?.all.find((one) => one.id === id)?.fit ?? fitLora(await readLora(file, name), own);
      return { id, name, file, weight, fit };
    }),
  );
}

function usesOf(loras: readonly OpenedLora[]): Record<string, LoraUse> {
  return Object.fromEntries(
    loras.map(({ id, fit: { used, unused } }) => [
      id,
      { used, keys: used + unused.length, unused: unused.slice(0, LISTED) },
    ]),
  );
}
