// f8 with a scale a weight, as ComfyUI writes it: the weight is its f8 numbers · one number that lies beside them,
// under `<module>.scale_weight` (`.weight_scale` since the end of 2025). A tensor `scaled_fp8` marks the part, and
// scales of inputs are for multiplications in f8, which nothing here does. Without it the weights would be others.

import { EngineError } from '../protocol/errors';
import type { SafetensorsHeader, StoredTensor } from './safetensors';

const SCALE = /\.(scale_weight|weight_scale)$/;
const OF_NO_USE = /(^|\.)scaled_fp8$|\.(scale_input|input_scale|comfy_quant)$/;

/**
 * The header with each scale at its weight, and without the tensors that say only this.
 * @throws EngineError `model-invalid` where a weight has several scales, or one that is not of f8.
 */
export function withScales(header: SafetensorsHeader): SafetensorsHeader {
  const scales = new Map<string, StoredTensor>();
  const tensors = new Map<string, StoredTensor>();
  for (const [key, tensor] of header.tensors) {
    if (SCALE.test(key)) scales.set(key.replace(SCALE, '.weight'), tensor);
    else if (!OF_NO_USE.test(key)) tensors.set(key, tensor);
  }
  for (const [key, scale] of scales) {
    const weight = tensors.get(key);
    if (!weight || !/^F8_E[45]M[23]$/.test(weight.dtype) || scale.shape.some((size) => size !== 1) || !isNumber(scale))
      throw new EngineError(
        'model-invalid',
        'The weights of this file are scaled in a way that Pagoda does not know. Choose its f16, or another f8.',
        `${key.slice(0, 200)}: ${weight?.dtype ?? 'missing'}, scale ${scale.dtype} [${scale.shape.join()}]`,
      );
    tensors.set(key, { ...weight, scale });
  }
  return { ...header, tensors };
}

function isNumber({ dtype }: StoredTensor): boolean {
  return ['F32', 'F16', 'BF16'].includes(dtype);
}
