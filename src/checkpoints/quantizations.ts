// Weights that were quantized in a form that Pagoda does not read, told by what only that form writes: a row each.

import { EngineError } from '../protocol/errors';
import type { Dtype, SafetensorsHeader } from './safetensors';

/** What it is called, and the end of a key that tells it. */
const KINDS: readonly [what: string, key: RegExp][] = [
  ['4-bit numbers of bitsandbytes (NF4, FP4)', /\.(absmax|quant_map|quant_state\.bitsandbytes__\w+)$/],
  ['8-bit integers of bitsandbytes', /\.(SCB|weight_format)$/],
  ['NVFP4', /\.weight_scale_2$/],
  ['f8 in blocks with inverse scales', /weight_scale_inv$/],
  ['numbers with zero points', /\.(zero_point|weight_zero_point|weight_zeros)$/],
  ['the rest of a product (SVDQuant)', /\.(svd_up|svd_down|smooth_factor)$/],
  ['packed integers (GPTQ, AWQ, SVDQuant)', /\.(qweight|qzeros|wscales|weight_packed)$/],
  ['tensors of optimum-quanto', /\.weight\.(_data|_qtype|_scale)$/],
  ['tensors of torchao', /(^|\.)_weight_qdata$/],
];

interface Quantized {
  readonly quantization_config?: { readonly use_hadamard?: boolean };
}

/** Types of few bits, of which a weight is nothing without its scales. */
const PACKED: ReadonlySet<Dtype> = new Set(['U8', 'I8', 'F4', 'F6_E2M3', 'F6_E3M2', 'F8_E8M0']);

/**
 * Why these weights are not read, or null.
 * @param configs of which one may say that weights were turned before they were rounded, which no scale tells.
 */
export function quantization(
  { tensors }: SafetensorsHeader,
  { unet, text }: { readonly unet?: Quantized; readonly text?: Quantized },
): EngineError | null {
  if ([unet, text].some((config) => config?.quantization_config?.use_hadamard))
    return unread('rotated numbers (Hadamard)', 'use_hadamard in its config.json');
  for (const [what, pattern] of KINDS) {
    for (const key of tensors.keys()) if (pattern.test(key)) return unread(what, key);
  }
  for (const [key, { dtype, shape }] of tensors) {
    if (key.endsWith('.weight') && shape.length > 1 && PACKED.has(dtype))
      return unread(`numbers of type ${dtype}`, key);
  }
  return null;
}

function unread(what: string, key: string): EngineError {
  return new EngineError(
    'model-invalid',
    `The weights of this file are quantized as ${what}, which Pagoda does not read. ` +
      'Choose its f16, or an f8 with one scale a weight or one a row.',
    `It has ${key.slice(0, 200)}.`,
  );
}
