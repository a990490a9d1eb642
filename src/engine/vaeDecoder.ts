// Latents → picture. The decoder sees latents / scaling_factor + shift_factor; it gives [1, 3, H, W] in about
// [−1, 1]. One image at a time: decoders are often exported with a batch of one, and memory peaks here.

import type { VaeConfig } from '../configs/schemas';
import { EngineError } from '../protocol/errors';
import type { Pixels } from '../protocol/pictureData';
import { toPixels } from '../image/pixels';
import type { ValueInfo } from '../onnx/file/model';
import type { Backend, DeviceTensor } from './backend';
import { NEVER } from './checkpoint';
import { elemType, inputByRole, type OnnxFile } from './onnxFile';
import type { LatentShape } from './latentShape';
import { PictureDecoder, type Decoded, type DecoderNotices } from './pictureDecoder';

/** The numbers of some f16 VAEs, SDXL's first of all, are beyond f16. */
export interface Wider {
  /** The same file as f32; null where it is f32 already. */
  readonly open: (() => Promise<OnnxFile>) | null;
  /** Told once, when the f32 decoder has taken the place of the other. */
  readonly onWidened: () => void;
}

const UNHEARD: DecoderNotices = { onWrongReplay: () => {}, onTooShort: () => {} };

export class VaeDecoder {
  /** In how many tiles the last picture came; 1 where it was decoded whole. */
  tiles = 1;

  private constructor(
    private readonly backend: Backend,
    private decoder: PictureDecoder,
    private readonly decoderOf: (file: OnnxFile) => Promise<PictureDecoder>,
    private wider: Wider | null,
    private readonly factor: number,
    private readonly shift: number,
  ) {}

  /** @throws EngineError `model-invalid` or `session-build`. */
  static async open(
    backend: Backend,
    file: OnnxFile,
    config: VaeConfig,
    wider: Wider | null = null,
    notices: DecoderNotices = UNHEARD,
  ): Promise<VaeDecoder> {
    if (config.latents_mean || config.latents_std) {
      throw new EngineError(
        'model-invalid',
        'This VAE scales each channel of the latents on its own, which Pagoda does not run yet. Choose another model.',
      );
    }
    const decoderOf = (opened: OnnxFile) => PictureDecoder.open(backend, opened, latentsInput(opened), notices);
    const decoder = await decoderOf(file);
    return new VaeDecoder(backend, decoder, decoderOf, wider, 1 / scalingFactor(config), config.shift_factor ?? 0);
  }

  /**
   * Decodes one image of [images, channels, height, width]. Where that is not finite and its latents are, the decoder
   * is built anew in f32, once, and decodes again.
   * @throws EngineError `not-finite`; AbortError, between tiles.
   */
  async decode(latents: DeviceTensor, image: number, signal: AbortSignal = NEVER): Promise<Pixels> {
    let decoded = await this.run(latents, image, signal);
    if (this.wider?.open && !allFinite(decoded.values) && allFinite(await this.valuesOf(latents, image))) {
      await this.widen(this.wider, this.wider.open);
      decoded = await this.run(latents, image, signal);
    }
    const {
      values,
      dims: [channels, height, width],
      tiles,
    } = decoded;
    assertFinite(values);
    this.tiles = tiles;
    return toPixels(values, channels, height, width);
  }

  dispose(): Promise<void> {
    return this.decoder.dispose();
  }

  private async run(latents: DeviceTensor, image: number, signal: AbortSignal): Promise<Decoded> {
    const { input: info } = this.decoder;
    const batch = typeof info.dims?.[0] === 'number' ? info.dims[0] : 1;
    const input = await this.backend.modelInput(
      latents,
      new Array<number>(batch).fill(image),
      this.factor,
      elemType(info),
      this.shift,
    );
    try {
      return await this.decoder.run(input, signal);
    } finally {
      input.dispose();
    }
  }

  private async valuesOf(latents: DeviceTensor, image: number): Promise<Float32Array> {
    const values = await this.backend.read(latents);
    const size = values.length / latents.dims[0]!;
    return values.subarray(image * size, (image + 1) * size);
  }

  private async widen({ onWidened }: Wider, open: () => Promise<OnnxFile>): Promise<void> {
    const decoder = await this.decoderOf(await open());
    const narrow = this.decoder;
    this.decoder = decoder;
    this.wider = null;
    await narrow.dispose();
    onWidened();
  }
}

/** Sizes of the decoder's input, by name, for latents [channels, height, width] of one image. */
export function decoderDims({ name, dims }: ValueInfo, latents: LatentShape): Map<string, readonly number[]> {
  const batch = dims?.[0];
  return new Map([[name, [typeof batch === 'number' ? batch : 1, ...latents]]]);
}

/** [batch, channels, height, width]. @throws EngineError `model-invalid`. */
export function latentsInput(file: OnnxFile): ValueInfo {
  return inputByRole(file, ['latent_sample', 'latents', 'latent', 'z'], 4);
}

/** @throws EngineError `not-finite`. */
export function assertFinite(values: Float32Array): void {
  if (allFinite(values)) return;
  const wrong = values.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
  throw new EngineError(
    'not-finite',
    'The numbers ran away and no picture is left (NaN). Try a lower CFG or PAG scale, more steps, or the CPU.',
    `${wrong} of ${values.length} values are not finite`,
  );
}

function allFinite(values: Float32Array): boolean {
  return values.every(Number.isFinite);
}

/** diffusers' AutoencoderTiny (TAESD), whose decoder is small. */
export function isTinyVae(config: VaeConfig): boolean {
  return config._class_name === 'AutoencoderTiny';
}

/** By which the UNet's latents are the VAE's; the defaults are those of diffusers. */
export function scalingFactor(config: VaeConfig): number {
  return config.scaling_factor ?? (isTinyVae(config) ? 1 : 0.18215);
}
