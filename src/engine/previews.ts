// What a step's latents look like, shown while a run goes on. A tiny VAE (TAESD) is cheap enough to decode them; for
// any other a linear map gives a small picture, a pixel a latent, for the read-back of the latents and nothing else.

import type { VaeConfig } from '../configs/schemas';
import {
  fitColours,
  inColours,
  publishedColours,
  type ColourSample,
  type LatentColours,
} from '../diffusion/latentColours';
import { TorchGenerator } from '../diffusion/noise';
import { toPixels } from '../image/pixels';
import type { Pixels, Size } from '../protocol/pictureData';
import { elements, type Backend, type DeviceTensor } from './backend';
import { checkpoint } from './checkpoint';
import { pixelsPerLatent, type LatentShape } from './latentShape';
import { isTinyVae, scalingFactor, type VaeDecoder } from './vaeDecoder';

export interface Preview {
  /** One an image. */
  readonly pictures: readonly Pixels[];
  /** Of the picture that is to come: these may have fewer pixels. */
  readonly size: Size;
}

/** Equations for each factor that is fitted: places of decoded noise. */
const EQUATIONS = 20;

export class Previews {
  /** null before they are fitted, and where a session decodes. */
  colours: LatentColours | null;
  /** With a session, which runs alone. */
  readonly decodes: boolean;
  private readonly scale: number;

  /** @param latentShape [channels, height, width] of the latents that are decoded for a fit. */
  constructor(
    private readonly backend: Backend,
    private readonly decoder: VaeDecoder,
    config: VaeConfig,
    private readonly latentShape: LatentShape,
  ) {
    this.decodes = isTinyVae(config);
    this.scale = pixelsPerLatent(config);
    this.colours = this.decodes
      ? null
      : publishedColours(latentShape[0], scalingFactor(config), config.block_out_channels ?? []);
  }

  /** Fits the map where there is none yet. @throws EngineError as decoding does; AbortError. */
  async prepare(signal: AbortSignal): Promise<void> {
    if (this.decodes) return;
    this.colours ??= fitColours(await this.samples(signal), this.latentShape[0]);
  }

  /**
   * Of latents [images, channels, height, width], after `prepare`. Unless it decodes they may be disposed of as soon as
   * this has returned its promise.
   * @throws EngineError as decoding does; AbortError.
   */
  async of(latents: DeviceTensor, signal: AbortSignal): Promise<Preview> {
    const [images, channels, height, width] = latents.dims as [number, number, number, number];
    if (this.decodes) return this.decoded(latents, images, signal);
    return this.coloured(await this.backend.read(latents), [images, channels, height, width]);
  }

  /** Of values that were read, where no session decodes; after `prepare`. */
  coloured(
    values: Float32Array,
    [images, channels, height, width]: readonly [number, number, number, number],
  ): Preview {
    const { colours } = this;
    if (!colours) throw new Error('Previews were not prepared.');
    const size = channels * height * width;
    const pictures = Array.from({ length: images }, (_, image) =>
      toPixels(inColours(values.subarray(image * size, (image + 1) * size), colours), 3, height, width),
    );
    return { pictures, size: { width: width * this.scale, height: height * this.scale } };
  }

  private async decoded(latents: DeviceTensor, images: number, signal: AbortSignal): Promise<Preview> {
    const pictures: Pixels[] = [];
    for (let image = 0; image < images; image += 1) {
      await checkpoint(signal);
      pictures.push(await this.decoder.decode(latents, image, signal));
    }
    const { width, height } = pictures[0]!;
    return { pictures, size: { width, height } };
  }

  /** Standard normal latents, always the same, and the picture that the VAE makes of them, at their resolution. */
  private async samples(signal: AbortSignal): Promise<ColourSample[]> {
    const [channels, height, width] = this.latentShape;
    const noise = new TorchGenerator(0);
    const count = Math.ceil((EQUATIONS * (channels + 1)) / (height * width));
    const samples: ColourSample[] = [];
    for (let sample = 0; sample < count; sample += 1) {
      await checkpoint(signal);
      const latents = noise.randn(elements(this.latentShape));
      const tensor = this.backend.upload('float32', [1, ...this.latentShape], latents);
      try {
        samples.push({ latents, rgb: shrunk(await this.decoder.decode(tensor, 0, signal), height, width) });
      } finally {
        tensor.dispose();
      }
    }
    return samples;
  }
}

/** Means over the pixels of each latent, [3, height, width] in [−1, 1]. */
function shrunk({ rgba, ...picture }: Pixels, height: number, width: number): Float32Array {
  const [rows, columns] = [Math.floor(picture.height / height), Math.floor(picture.width / width)];
  const rgb = new Float32Array(3 * height * width);
  for (let y = 0; y < rows * height; y += 1) {
    for (let x = 0; x < columns * width; x += 1) {
      const to = Math.floor(y / rows) * width + Math.floor(x / columns);
      const from = 4 * (y * picture.width + x);
      for (let colour = 0; colour < 3; colour += 1) rgb[colour * height * width + to]! += rgba[from + colour]!;
    }
  }
  return rgb.map((sum) => sum / (127.5 * rows * columns) - 1);
}
