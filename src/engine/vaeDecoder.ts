// Latents → picture. The decoder sees latents / scaling_factor + shift_factor; it gives [1, 3, H, W] in about
// [−1, 1]. One image at a time: decoders are often exported with a batch of one, and memory peaks here.

import type { VaeConfig } from '../configs/schemas';
import { EngineError } from '../protocol/errors';
import type { Pixels } from '../protocol/messages';
import { toPixels } from '../image/pixels';
import type { ValueInfo } from '../onnx/file/model';
import { elements, type Backend, type DeviceTensor, type Session, type Tensors } from './backend';
import { elemType, inputByRole, type OnnxFile } from './onnxFile';
import type { LatentShape } from './latentShape';
import { recordedSession } from './recordedSession';

/** A session and the names that it is run by. */
interface Decoder {
  readonly session: Session;
  /** [batch, channels, height, width]. */
  readonly input: ValueInfo;
  readonly output: string;
}

/** The numbers of some f16 VAEs, SDXL's first of all, are beyond f16. */
export interface Wider {
  /** The same file as f32; null where it is f32 already. */
  readonly open: (() => Promise<OnnxFile>) | null;
  /** Told once, when the f32 decoder has taken the place of the other. */
  readonly onWidened: () => void;
}

export class VaeDecoder {
  private constructor(
    private readonly backend: Backend,
    private decoder: Decoder,
    private readonly decoderOf: (file: OnnxFile) => Promise<Decoder>,
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
    onWrongReplay: () => void = () => {},
  ): Promise<VaeDecoder> {
    if (config.latents_mean || config.latents_std) {
      throw new EngineError(
        'model-invalid',
        'This VAE scales each channel of the latents on its own, which Pagoda does not run yet. Choose another model.',
      );
    }
    const decoderOf = (opened: OnnxFile) => openDecoder(backend, opened, onWrongReplay);
    const decoder = await decoderOf(file);
    return new VaeDecoder(backend, decoder, decoderOf, wider, 1 / scalingFactor(config), config.shift_factor ?? 0);
  }

  /**
   * Decodes one image of [images, channels, height, width]. Where that is not finite and the latents are, it is built
   * anew in f32, once, and decodes again.
   * @throws EngineError `not-finite`.
   */
  async decode(latents: DeviceTensor, image: number): Promise<Pixels> {
    let decoded = await this.run(latents, image);
    if (this.wider?.open && !allFinite(decoded.values) && allFinite(await this.backend.read(latents))) {
      await this.widen(this.wider, this.wider.open);
      decoded = await this.run(latents, image);
    }
    const {
      values,
      dims: [, channels, height, width],
    } = decoded;
    assertFinite(values);
    return toPixels(values, channels, height, width);
  }

  dispose(): Promise<void> {
    return this.decoder.session.dispose();
  }

  private async run(
    latents: DeviceTensor,
    image: number,
  ): Promise<{ values: Float32Array; dims: readonly [number, number, number, number] }> {
    const { session, input: info, output: name } = this.decoder;
    const batch = typeof info.dims?.[0] === 'number' ? info.dims[0] : 1;
    const input = await this.backend.modelInput(
      latents,
      new Array<number>(batch).fill(image),
      this.factor,
      elemType(info),
      this.shift,
    );
    let outputs: Tensors = {};
    try {
      outputs = await session.run({ [info.name]: input });
      const output = outputs[name]!;
      const dims = output.dims as [number, number, number, number];
      return { values: (await this.backend.read(output)).slice(0, elements(dims.slice(1))), dims };
    } finally {
      for (const tensor of [input, ...Object.values(outputs)]) tensor.dispose();
    }
  }

  private async widen({ onWidened }: Wider, open: () => Promise<OnnxFile>): Promise<void> {
    const decoder = await this.decoderOf(await open());
    const narrow = this.decoder;
    this.decoder = decoder;
    this.wider = null;
    await narrow.session.dispose();
    onWidened();
  }
}

async function openDecoder(backend: Backend, file: OnnxFile, onWrongReplay: () => void): Promise<Decoder> {
  const input = latentsInput(file);
  const output = pictureOutput(file);
  return { input, output, session: await recordedSession(backend, file, file.upTo([output]), onWrongReplay) };
}

export function pictureOutput({ outputs }: OnnxFile): string {
  return (outputs.find(({ dims }) => dims?.length === 4) ?? outputs[0])?.name ?? '';
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
