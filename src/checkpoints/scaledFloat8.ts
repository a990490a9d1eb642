// f8 with scales: a weight is its f8 numbers · one number that lies beside them, or one for each of its rows (the first
// axis: outputs of a matrix, output channels of a convolution), as [out], [out, 1] or [out, 1, 1, 1]. Without them the
// weights would be others. For `<module>.weight` they are called
//
//   scale_weight   ComfyUI until 2025, which marks the part by a tensor `scaled_fp8`; convert_to_quant, musubi-tuner
//   weight_scale   ComfyUI since, with a `comfy_quant` beside it; convert_to_quant, compressed-tensors
//   scale          HSWQ, SDNQ
//
// Scales of inputs are for multiplications in f8, which nothing here does.

import { EngineError } from '../protocol/errors';
import type { SafetensorsHeader, StoredTensor } from './safetensors';

const SCALE = /(?:\.scale_weight|([._])weight_scale|\.scale)$/;
const OF_NO_USE = /(^|\.)scaled_fp8$|\.(scale_input|input_scale|comfy_quant)$/;
const FLOAT8 = /^F8_E[45]M[23]$/;

/**
 * The header with each scale at its weight, and without the tensors that say only this.
 * @throws EngineError `model-invalid` where a weight has scales of other blocks than rows, several of them, or some
 * though it is not of f8.
 */
export function withScales(header: SafetensorsHeader): SafetensorsHeader {
  const tensors = new Map(header.tensors);
  for (const [key, scale] of header.tensors) {
    if (OF_NO_USE.test(key)) tensors.delete(key);
    if (!SCALE.test(key)) continue;
    const scaled = key.replace(SCALE, (_, before: string | undefined) => `${before ?? '.'}weight`);
    const weight = tensors.get(scaled);
    // Other modules have scales too, which are weights of their own.
    if (key.endsWith('.scale') && !FLOAT8.test(weight?.dtype ?? '')) continue;
    const found = `${scaled.slice(0, 200)}: ${weight?.dtype ?? 'missing'} [${weight?.shape.join() ?? ''}], `;
    const detail = `${found}scale ${scale.dtype} [${scale.shape.join()}]`;
    if (!weight || !FLOAT8.test(weight.dtype) || weight.scale) throw unknown(detail);
    if (!isOfWholeRows(scale, weight)) throw inBlocks(detail);
    tensors.set(scaled, { ...weight, scale });
    tensors.delete(key);
  }
  return { ...header, tensors };
}

function isOfWholeRows({ dtype, shape: [rows = 1, ...others] }: StoredTensor, weight: StoredTensor): boolean {
  return (
    ['F32', 'F16', 'BF16'].includes(dtype) &&
    (rows === 1 || rows === weight.shape[0]) &&
    others.every((size) => size === 1)
  );
}

function unknown(detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    'The weights of this file are scaled in a way that Pagoda does not know. Choose its f16, or another f8.',
    detail,
  );
}

function inBlocks(detail: string): EngineError {
  return new EngineError(
    'model-invalid',
    'The weights of this file have a scale for each block of numbers, which Pagoda does not read. ' +
      'Choose its f16, or an f8 with one scale a weight or one a row.',
    detail,
  );
}
