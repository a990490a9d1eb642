// Whether a UNet predicts the noise (ε) or v, and whether it was trained up to pure noise (zero terminal SNR). No shape
// tells; markers and metadata may, and of SD 2 one small tensor. Without evidence it is ε, which most models predict.

import { floatValues } from './floats';
import type { Checkpoint } from './identify';
import type { SafetensorsHeader } from './safetensors';

export interface Prediction {
  readonly type: 'epsilon' | 'v_prediction' | 'sample';
  readonly zeroTerminalSnr: boolean;
  /** What told it, from the strongest. `assumed`: nothing did. */
  readonly evidence: 'scheduler' | 'marker' | 'metadata' | 'yaml' | 'weights' | 'assumed';
}

export interface Beside {
  /** `scheduler/scheduler_config.json` of a diffusers folder. */
  readonly scheduler?: { readonly prediction_type?: string; readonly rescale_betas_zero_snr?: boolean };
  /** The text of the .yaml with the file's own stem. */
  readonly yaml?: string;
}

/**
 * Of SD 2's last attention: the biases of its first norm spread further where it was trained for v (ComfyUI's bound).
 */
const TELLING = 'up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias';
const SPREAD_OF_V = 0.09;
/** Pixels: the UNet halves an eighth of them three times. */
const EDGE_UNIT = 64;

/** @param file the checkpoint, of which at most one small tensor is read, or its beginning. */
export async function readPrediction(
  header: SafetensorsHeader,
  { family, task, unet }: Checkpoint,
  file: Blob,
  { scheduler, yaml }: Beside = {},
): Promise<Prediction> {
  const marked = header.tensors.has('v_pred');
  const zeroTerminalSnr = scheduler?.rescale_betas_zero_snr ?? header.tensors.has('ztsnr');
  const is = (type: string, evidence: Prediction['evidence']): Prediction => ({
    type: type === 'v_prediction' || type === 'v' ? 'v_prediction' : type === 'sample' ? 'sample' : 'epsilon',
    zeroTerminalSnr,
    evidence,
  });
  if (scheduler?.prediction_type !== undefined) return is(scheduler.prediction_type, 'scheduler');
  if (marked) return is('v', 'marker');
  const stated = header.metadata.get('modelspec.prediction_type');
  if (stated === 'v' || stated === 'epsilon') return is(stated, 'metadata');
  const architecture = header.metadata.get('modelspec.architecture') ?? '';
  if (architecture.startsWith('stable-diffusion-v2-768-v')) return is('v', 'metadata');
  if (yaml !== undefined && /parameterization\s*:\s*["']?v\b|\bVScaling\b/.test(yaml)) return is('v', 'yaml');
  const source = family?.id === 'sd2' && task === 'text-to-image' ? unet?.sources.get(TELLING) : undefined;
  if (source) {
    const { dtype, offset, length } = source.tensor;
    const bytes = await file.slice(offset, offset + length).arrayBuffer();
    // Of a file on the hub the beginning alone is here.
    const values = bytes.byteLength === length ? floatValues(dtype, new Uint8Array(bytes)) : null;
    if (values) return is(spread(values) > SPREAD_OF_V ? 'v' : 'epsilon', 'weights');
  }
  return is('epsilon', 'assumed');
}

/** Edge of the pictures that the model was made for, in pixels: as its metadata has it, or by the family. */
export function usualEdge({ family, unet }: Checkpoint, { type }: Prediction, { metadata }: SafetensorsHeader): number {
  const [, edge = '', height] = /^(\d{2,4})x(\d{2,4})$/.exec(metadata.get('modelspec.resolution') ?? '') ?? [];
  if (edge === height && Number(edge) % EDGE_UNIT === 0 && Number(edge) > 0) return Number(edge);
  const latents = unet?.config.sample_size ?? (family?.base === 'sd2' && type === 'v_prediction' ? 96 : 64);
  return 8 * (typeof latents === 'number' ? latents : Math.max(...latents));
}

/** Population standard deviation. */
function spread(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
