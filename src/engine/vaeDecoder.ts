// Latents → picture. The decoder sees latents / scaling_factor (+ shift_factor); it gives [1, 3, H, W] in about
// [−1, 1]. One image at a time: decoders are often exported with a batch of one, and memory peaks here.

import { EngineError } from '../protocol/errors';
import type { Pixels } from '../protocol/messages';
import { toPixels } from '../image/pixels';
import { FLOAT16 } from '../onnx/model';
import type { Backend, DeviceTensor, Session } from './backend';
import type { VaeConfig } from './modelFiles';
import { OnnxFile, inputByRole } from './onnxFile';

export class VaeDecoder {
  private constructor(
    private readonly backend: Backend,
    private readonly session: Session,
    private readonly input: { readonly name: string; readonly type: 'float32' | 'float16' },
    private readonly scalingFactor: number,
  ) {}

  static async open(backend: Backend, blob: Blob, config: VaeConfig): Promise<VaeDecoder> {
    if (config.shift_factor) throw new EngineError('model-invalid', 'This VAE uses a shift factor, which Pagoda does not run yet. Choose another model.');
    const file = await OnnxFile.open(blob, 'vae_decoder/model.onnx');
    const latents = inputByRole(file, ['latent_sample', 'latent'], 4);
    const session = await file.session(backend, file.whole());
    const type = latents.elemType === FLOAT16 ? 'float16' : 'float32';
    return new VaeDecoder(backend, session, { name: latents.name, type }, config.scaling_factor ?? 0.18215);
  }

  /**
   * Decodes one image of [images, channels, height, width].
   * @throws EngineError `not-finite`.
   */
  async decode(latents: DeviceTensor, image: number): Promise<Pixels> {
    const input = await this.backend.modelInput(latents, [image], 1 / this.scalingFactor, this.input.type);
    const outputs = await this.session.run({ [this.input.name]: input });
    input.dispose();
    const output = Object.values(outputs)[0] as DeviceTensor;
    const values = await this.backend.read(output);
    const [, channels, height, width] = output.dims as [number, number, number, number];
    for (const tensor of Object.values(outputs)) tensor.dispose();
    assertFinite(values);
    return toPixels(values, channels, height, width);
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
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
