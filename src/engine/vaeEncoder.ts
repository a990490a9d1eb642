// A picture → the distribution of its latents (Kingma & Welling, arXiv 1312.6114). The encoder sees the picture in
// [−1, 1] and gives means and logarithms of variances; a sample of it, as the UNet knows latents, is
// (mean + exp(½·logvar)·z − shift)·scale, logvar between −30 and 20 as in diffusers.
//
// A session lives for one picture, since the UNet needs the room, and what came of it is kept: a run that differs in
// anything but the picture encodes nothing.

import { fitPicture, type PictureFit } from '../image/fitPicture';
import type { RgbPixels } from '../image/resample';
import type { ValueInfo } from '../onnx/file/model';
import { EngineError } from '../protocol/errors';
import type { Size, StartImage } from '../protocol/messages';
import { elements, type Backend, type Tensors } from './backend';
import type { EncoderFiles } from './modelFiles';
import { elemType, inputByRole, type OnnxFile } from './onnxFile';
import { scalingFactor } from './vaeDecoder';

/** Of one image's latents in the UNet's scale, [channels, height, width] each. */
export interface LatentDistribution {
  readonly mean: Float32Array;
  /** null of an encoder that gives latents alone, without a variance: nothing is drawn for them. */
  readonly deviation: Float32Array | null;
}

export class VaeEncoder {
  private last: { readonly of: string; readonly latents: LatentDistribution } | null = null;

  /** @param open the graph, in f32 where `wide`. */
  constructor(
    private readonly backend: Backend,
    private readonly open: (wide: boolean) => Promise<OnnxFile>,
    private readonly config: EncoderFiles['config'],
  ) {}

  /**
   * @param size of the run's picture, which the start image is brought to.
   * @param count how many latents such a picture has.
   * @throws EngineError `start-impossible`, `not-finite` or `session-build`.
   */
  async encode(
    start: StartImage,
    fit: PictureFit,
    { width, height }: Size,
    count: number,
  ): Promise<LatentDistribution> {
    const of = JSON.stringify([start.hash, fit, width, height]);
    if (this.last?.of === of) return this.last.latents;
    const rgb = new Uint8Array(await start.rgb.arrayBuffer());
    const picture = fitPicture({ width: start.width, height: start.height, rgb }, width, height, fit);
    const latents = this.distribution(await this.finiteMoments(picture), count);
    this.last = { of, latents };
    return latents;
  }

  private async finiteMoments(picture: RgbPixels): Promise<Float32Array> {
    const file = await this.open(false);
    const moments = await this.moments(file, picture);
    if (moments.every(Number.isFinite)) return moments;
    const wide = file.half ? await this.moments(await this.open(true), picture) : moments;
    if (wide.every(Number.isFinite)) return wide;
    throw new EngineError('not-finite', 'This model’s VAE makes nothing of the start image (NaN). Try another one.');
  }

  private async moments(file: OnnxFile, picture: RgbPixels): Promise<Float32Array> {
    const input = inputByRole(file, ['sample', 'pixel_values', 'image', 'x'], 4);
    refuseOtherSize(input, picture);
    const output = momentsOf(file, input);
    const session = await file.session(this.backend, file.upToValues([output]));
    const batch = typeof input.dims?.[0] === 'number' ? input.dims[0] : 1;
    const plane = planes(picture);
    const values = new Float32Array(batch * plane.length);
    for (let row = 0; row < batch; row += 1) values.set(plane, row * plane.length);
    const given = this.backend.upload(elemType(input), [batch, 3, picture.height, picture.width], values);
    let outputs: Tensors = {};
    try {
      outputs = await session.run({ [input.name]: given });
      const made = outputs[output.name]!;
      return (await this.backend.read(made)).slice(0, elements(made.dims.slice(1)));
    } finally {
      for (const tensor of [given, ...Object.values(outputs)]) tensor.dispose();
      await session.dispose();
    }
  }

  /** @param one how many latents an image has. */
  private distribution(moments: Float32Array, one: number): LatentDistribution {
    const [scale, shift] = [scalingFactor(this.config), this.config.shift_factor ?? 0];
    const count = moments.length > one ? moments.length / 2 : one;
    const mean = Float32Array.from({ length: count }, (_, at) => (moments[at]! - shift) * scale);
    if (count === moments.length) return { mean, deviation: null };
    const deviation = Float32Array.from({ length: count }, (_, at) => {
      const logarithm = Math.min(20, Math.max(-30, moments[count + at]!));
      return scale * Math.exp(logarithm / 2);
    });
    return { mean, deviation };
  }
}

/** Samples, one for each image that `draw` draws for; the means themselves where there is no variance. */
export function sampleOf({ mean, deviation }: LatentDistribution, draw: (count: number) => Float32Array): Float32Array {
  if (!deviation) return mean;
  const z = draw(mean.length);
  return z.map((noise, at) => mean[at % mean.length]! + deviation[at % mean.length]! * noise);
}

/**
 * The means with the variances, or latents alone. Some exporters put the draw of a sample into the graph: what it is
 * drawn from is then what the last convolution gives.
 */
function momentsOf(file: OnnxFile, input: ValueInfo): ValueInfo {
  const { nodes } = file.graph.model;
  const last = nodes.findLast(({ opType }) => opType === 'Conv');
  if (last && nodes.some(({ opType }) => RANDOM.has(opType)))
    return { name: last.outputs[0]!, elemType: input.elemType, dims: null };
  const output = file.outputs.find(({ dims }) => dims?.length === 4) ?? file.outputs[0];
  if (output) return output;
  throw new EngineError('model-invalid', `${file.name} gives nothing. It is not a VAE’s encoder.`);
}

const RANDOM: ReadonlySet<string> = new Set(['RandomNormalLike', 'RandomNormal']);

/** Planes in [−1, 1], as diffusers has them. */
function planes({ width, height, rgb }: RgbPixels): Float32Array {
  const plane = width * height;
  return Float32Array.from({ length: 3 * plane }, (_, at) => {
    const level = rgb[3 * (at % plane) + Math.floor(at / plane)]!;
    return 2 * Math.fround(level / 255) - 1;
  });
}

/** A graph whose size is fixed takes no other. */
function refuseOtherSize({ dims }: ValueInfo, { width, height }: Size): void {
  const [wide, high] = [dims?.[3], dims?.[2]];
  if ((typeof wide !== 'number' || wide === width) && (typeof high !== 'number' || high === height)) return;
  throw new EngineError(
    'start-impossible',
    `This model’s VAE encoder was exported for pictures of ${wide} × ${high}: it takes none of ${width} × ${height}. ` +
      'Choose that size, or another model.',
  );
}
