// The files of a diffusers-style ONNX folder. Small ones are read, graphs stay Blobs: what becomes of their
// weights is decided segment by segment.

import type { SchedulerConfig } from '../diffusion/types';
import { EngineError } from '../protocol/errors';
import type { TokenizerConfig } from '../text/tokenizer';

/** `unet/config.json`, the fields that the engine reads. */
export interface UnetConfig {
  readonly sample_size?: number | readonly [number, number];
  readonly in_channels?: number;
}

/** `vae_decoder/config.json`, likewise. */
export interface VaeConfig {
  readonly scaling_factor?: number;
  readonly shift_factor?: number | null;
}

export interface ModelFiles {
  readonly scheduler: SchedulerConfig;
  readonly tokenizer: object;
  readonly tokenizerConfig: TokenizerConfig;
  readonly unetConfig: UnetConfig;
  readonly vaeConfig: VaeConfig;
  readonly textEncoder: Blob;
  readonly unet: Blob;
  readonly vaeDecoder: Blob;
}

/** Reads one file of a model; `path` is relative to its folder. Throws EngineError `model-missing`. */
export type OpenFile = (path: string) => Promise<Blob>;

/** @throws EngineError `model-missing` or `model-invalid`. */
export async function readModelFiles(open: OpenFile): Promise<ModelFiles> {
  const json = async (path: string): Promise<object> => {
    const text = await (await open(path)).text();
    try {
      return JSON.parse(text) as object;
    } catch {
      throw new EngineError('model-invalid', `${path} of the model is not readable. Fetch the model again, or choose another.`, text.slice(0, 200));
    }
  };
  return {
    scheduler: await json('scheduler/scheduler_config.json'),
    tokenizer: await json('tokenizer/tokenizer.json'),
    tokenizerConfig: await json('tokenizer/tokenizer_config.json'),
    unetConfig: await json('unet/config.json'),
    vaeConfig: await json('vae_decoder/config.json'),
    textEncoder: await open('text_encoder/model.onnx'),
    vaeDecoder: await open('vae_decoder/model.onnx'),
    unet: await open('unet/model.onnx'),
  };
}

/** Opens files below a URL; `onProgress` hears of bytes as they come. */
export function fetchFrom(baseUrl: string, onProgress: (path: string, loaded: number, total: number | null) => void): OpenFile {
  return async (path) => {
    const missing = (detail: string) => new EngineError(
      'model-missing',
      `${path} of the model could not be fetched. Check the connection and press Generate again.`,
      `${baseUrl}${path}: ${detail}`,
    );
    let response: Response;
    try {
      response = await fetch(baseUrl + path);
    } catch (error) {
      throw missing(String(error));
    }
    if (!response.ok || !response.body) throw missing(`HTTP ${response.status}`);
    const length = Number(response.headers.get('content-length') ?? NaN);
    const total = Number.isFinite(length) && !response.headers.get('content-encoding') ? length : null;
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let loaded = 0;
    const reader = response.body.getReader();
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        chunks.push(next.value);
        loaded += next.value.length;
        onProgress(path, loaded, total);
      }
    } catch (error) {
      throw missing(`after ${loaded} bytes: ${String(error)}`);
    }
    if (total !== null && loaded !== total) throw missing(`${loaded} of ${total} bytes came`);
    return new Blob(chunks);
  };
}
