// What the UNet reads beside the latents and the timestep, one row for each row before the fork: the prompt's
// embeds and, where the graph asks, SDXL's pooled embeds and sizes or LCM's embedded guidance scale.

import type { Backend, DeviceTensor, ElemType, Tensors } from './backend';
import { concatenated } from './concatenated';
import type { PromptEmbeds } from './promptEncoder';
import { elemType } from './onnxFile';
import type { UnetInputs } from './unetInputs';

/** Feeds by the names of the UNet's inputs; every tensor has a row for each row before the fork. */
export interface Conditioning {
  readonly feeds: Tensors;
  /** Those of the first so many rows alone. */
  first(rows: number): Tensors;
  dispose(): void;
}

export interface ConditioningSource {
  /** One entry a row. */
  readonly embeds: readonly PromptEmbeds[];
  /** [height, width] of the picture in pixels. */
  readonly size: readonly [number, number];
  readonly guidanceScale: number;
  /** Width of the guidance embedding, `time_cond_proj_dim`. */
  readonly guidanceWidth: number;
}

export function makeConditioning(backend: Backend, inputs: UnetInputs, source: ConditioningSource): Conditioning {
  const {
    embeds,
    size: [height, width],
  } = source;
  const [first] = embeds;
  if (!first) throw new RangeError('Conditioning needs a row.');
  const rows = <T>(row: (of: PromptEmbeds) => ArrayLike<T>) => embeds.flatMap((one) => Array.from(row(one)));
  const feeds: Record<string, DeviceTensor> = {};
  const feed = (name: string, type: ElemType, rowDims: readonly number[], values: ArrayLike<number>) => {
    feeds[name] = backend.upload(type, [embeds.length, ...rowDims], values);
  };
  const { context, textEmbeds, timeIds, timestepCond } = inputs;
  feed(context.name, elemType(context), first.dims, concatenated(embeds.map((one) => one.hidden)));
  if (textEmbeds)
    feed(textEmbeds.name, elemType(textEmbeds), [first.pooled.length], concatenated(embeds.map((one) => one.pooled)));
  // Original size, top left corner of the crop, target size; each as (height, width).
  if (timeIds)
    feed(
      timeIds.name,
      elemType(timeIds),
      [6],
      rows(() => [height, width, 0, 0, height, width]),
    );
  if (timestepCond) {
    const embedding = guidanceEmbedding(source.guidanceScale, source.guidanceWidth);
    feed(
      timestepCond.name,
      elemType(timestepCond),
      [embedding.length],
      rows(() => embedding),
    );
  }
  const batches = new Map<number, Tensors>([[embeds.length, feeds]]);
  const narrowed = (count: number): Tensors => {
    const sources = Array.from({ length: count }, (_, row) => row);
    return Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]) => [name, backend.gatherRows(tensor, sources)]),
    );
  };
  return {
    feeds,
    first: (count) => {
      const batch = batches.get(count) ?? narrowed(count);
      batches.set(count, batch);
      return batch;
    },
    dispose: () => {
      for (const batch of batches.values()) for (const tensor of Object.values(batch)) tensor.dispose();
    },
  };
}

/**
 * LCM's embedding of the guidance scale: sines, then cosines, of 1000(g − 1)·10000^(−i/(width/2 − 1)).
 * Source: arXiv 2310.04378, as diffusers' `get_guidance_scale_embedding` computes it, in f32.
 */
export function guidanceEmbedding(guidanceScale: number, width: number): Float32Array {
  const half = Math.floor(width / 2);
  const out = new Float32Array(width);
  const step = Math.fround(Math.fround(Math.log(10000)) / (half - 1));
  const w = Math.fround(1000 * Math.fround(guidanceScale - 1));
  for (let at = 0; at < half; at += 1) {
    const angle = Math.fround(w * Math.fround(Math.exp(Math.fround(-step * at))));
    out[at] = Math.sin(angle);
    out[half + at] = Math.cos(angle);
  }
  return out;
}
