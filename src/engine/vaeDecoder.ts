// Latents → picture. The decoder sees latents / scaling_factor + shift_factor; it gives [1, 3, H, W] in about
// [−1, 1]. One image at a time: decoders are often exported with a batch of one, and memory peaks here.

import type { VaeConfig } from '../configs/schemas';
import { EngineError } from '../protocol/errors';
import type { Pixels } from '../protocol/messages';
import { toPixels } from '../image/pixels';
import type { ValueInfo } from '../onnx/model';
import type { Backend, DeviceTensor, Session } from './backend';
import { inputByRole, type OnnxFile } from './onnxFile';
import { elemType } from './unetInputs';

export class VaeDecoder {
  private constructor(
    private readonly backend: Backend,
    private readonly session: Session,
    /** [batch, channels, height, width]. */
    readonly input: ValueInfo,
    private readonly output: string,
    private readonly factor: number,
    private readonly shift: number,
  ) {}

  /** @throws EngineError `model-invalid` or `session-build`. */
  static async open(backend: Backend, file: OnnxFile, config: VaeConfig): Promise<VaeDecoder> {
    if (config.latents_mean || config.latents_std) {
      throw new EngineError('model-invalid', 'This VAE scales each channel of the latents on its own, which Pagoda does not run yet. Choose another model.');
    }
    const latents = latentsInput(file);
    const output = file.outputs.find(({ dims }) => dims?.length === 4) ?? file.outputs[0];
    const session = await file.session(backend, file.upTo([output?.name ?? '']));
    const scaling = config.scaling_factor ?? defaultScaling(config);
    return new VaeDecoder(backend, session, latents, output?.name ?? '', 1 / scaling, config.shift_factor ?? 0);
  }

  /**
   * Decodes one image of [images, channels, height, width].
   * @throws EngineError `not-finite`.
   */
  async decode(latents: DeviceTensor, image: number): Promise<Pixels> {
    const batch = typeof this.input.dims?.[0] === 'number' ? this.input.dims[0] : 1;
    const images = new Array<number>(batch).fill(image);
    const input = await this.backend.modelInput(latents, images, this.factor, elemType(this.input), this.shift);
    const outputs = await this.session.run({ [this.input.name]: input });
    input.dispose();
    const output = outputs[this.output] as DeviceTensor;
    const [, channels, height, width] = output.dims as [number, number, number, number];
    const values = (await this.backend.read(output)).slice(0, channels * height * width);
    output.dispose();
    assertFinite(values);
    return toPixels(values, channels, height, width);
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
}

/** [batch, channels, height, width]. @throws EngineError `model-invalid`. */
export function latentsInput(file: OnnxFile): ValueInfo {
  return inputByRole(file, ['latent_sample', 'latents', 'latent', 'z'], 4);
}

/** @throws EngineError `not-finite`. */
export function assertFinite(values: Float32Array): void {
  if (values.every(Number.isFinite)) return;
  throw new EngineError(
    'not-finite',
    'The numbers ran away and no picture is left (NaN). Try a lower CFG or PAG scale, more steps, or the CPU.',
    `${values.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0)} of ${values.length} values are not finite`,
  );
}

/** The default of diffusers' AutoencoderTiny (TAESD) and of its AutoencoderKL. */
function defaultScaling(config: VaeConfig): number {
  return config._class_name === 'AutoencoderTiny' ? 1 : 0.18215;
}
