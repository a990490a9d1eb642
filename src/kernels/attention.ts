// Self-attention at a perturbation site, on the GPU: output row r is
//   (1 − u)·softmax(Q·Kᵀ·scale)·V + u·V    of source row siteRows[r].source, with u = siteRows[r].identity.
// Q, K, V: [sourceRows, tokens, heads·headDim]; out: [rows, tokens, heads·headDim]. u = 1 is PAG (arXiv
// 2403.17377, eq. 14): V is copied bit by bit and Q, K are not read. Rows may share a source: that is the
// fork of the perturbed row. The row map is data, so changing u or the rows compiles nothing.

import type { SiteRow } from '../diffusion/types';
import body from './attention.wgsl?raw';
import { attentionTiles } from './attentionTiles';
import type { ElementType, KernelCompiler } from './compiler';
import { encodeDispatch, tensorBytes } from './dispatch';

export interface AttentionShape {
  readonly sourceRows: number;
  readonly tokens: number;
  readonly heads: number;
  /** A multiple of 4, at most 256. */
  readonly headDim: number;
  /** Factor of the logits, 1/√headDim as a rule. */
  readonly scale: number;
}

/** STORAGE buffers of the shapes above; `out` is none of the others. Each tensor is one binding: beyond 128
 *  MiB the device must be made with a larger `maxStorageBufferBindingSize`. */
export interface AttentionBuffers {
  readonly q: GPUBuffer;
  readonly k: GPUBuffer;
  readonly v: GPUBuffer;
  readonly out: GPUBuffer;
}

export interface AttentionKernel {
  /** Encodes one dispatch. The encoder may hold any number of them.
   *  @throws RangeError for a row map that leaves its range, or a tensor that does not fit its buffer. */
  encode(encoder: GPUCommandEncoder, buffers: AttentionBuffers, siteRows: readonly SiteRow[]): void;
}

/** Compiles the kernel for a shape (shapes that differ only in size share a pipeline).
 *  @throws EngineError `shader-compile`; RangeError for a head dim that the kernel does not take. */
export async function createAttention(
  compiler: KernelCompiler,
  shape: AttentionShape,
  elem: ElementType,
): Promise<AttentionKernel> {
  const tiles = attentionTiles(shape.headDim, shape.tokens);
  const pipeline = await compiler.pipeline({ name: 'attention', body }, elem, tiles);
  const rowElements = shape.tokens * shape.heads * shape.headDim;
  const sourceBytes = tensorBytes(shape.sourceRows * rowElements, elem);
  const queryTiles = Math.ceil(shape.tokens / (4 * tiles.GROUPS));

  return {
    encode(encoder, { q, k, v, out }, siteRows) {
      checkSiteRows(siteRows, shape.sourceRows);
      const params = compiler.parameterBuffer('attention', attentionParameters(shape, siteRows));
      encodeDispatch(
        compiler,
        encoder,
        pipeline,
        [
          { name: 'parameters', tensor: params, bytes: params.size },
          { name: 'q', tensor: q, bytes: sourceBytes },
          { name: 'k', tensor: k, bytes: sourceBytes },
          { name: 'v', tensor: v, bytes: sourceBytes },
          { name: 'out', tensor: out, bytes: tensorBytes(siteRows.length * rowElements, elem) },
        ],
        [queryTiles, shape.heads, siteRows.length],
      );
    },
  };
}

/** @throws RangeError where a row reads a source that is not there, or its identity is not in 0 … 1. */
export function checkSiteRows(siteRows: readonly SiteRow[], sourceRows: number): void {
  siteRows.forEach(({ source, identity }, row) => {
    if (!Number.isInteger(source) || source < 0 || source >= sourceRows) {
      throw new RangeError(`Site row ${row} reads source row ${source} of ${sourceRows}.`);
    }
    if (!(identity >= 0 && identity <= 1)) {
      throw new RangeError(`Site row ${row} has identity ${identity}; it must lie in 0 … 1.`);
    }
  });
}

/**
 * `Params` of attention.wgsl: tokens, heads, headDim / 4, scale·log₂ e as f32 bits, then (source, identity) per row.
 */
export function attentionParameters(shape: AttentionShape, siteRows: readonly SiteRow[]): Uint32Array {
  const words = new Uint32Array(4 + 2 * siteRows.length);
  const floats = new Float32Array(words.buffer);
  words[0] = shape.tokens;
  words[1] = shape.heads;
  words[2] = shape.headDim / 4;
  floats[3] = shape.scale * Math.LOG2E;
  siteRows.forEach(({ source, identity }, row) => {
    words[4 + 2 * row] = source;
    floats[5 + 2 * row] = identity;
  });
  return words;
}
