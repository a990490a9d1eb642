// A picture → the distribution of its latents (Kingma & Welling, arXiv 1312.6114). The encoder sees the picture in
// [−1, 1] and gives means and logarithms of variances; a sample of it, as the UNet knows latents, is
// (mean + exp(½·logvar)·z − shift)·scale, logvar between −30 and 20 as in diffusers.
//
// A session lives for one picture, since the UNet needs the room, and what came of the last ones is kept: a run that
// differs in anything but the picture encodes nothing.

import type { GrayPixels, RgbPixels } from '../image/resample';
import type { ValueInfo } from '../onnx/file/model';
import { EngineError } from '../protocol/errors';
import type { Size } from '../protocol/pictureData';
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
  /** The latest last. */
  private readonly kept = new Map<string, LatentDistribution>();

  /** @param open the graph, in f32 where `wide`. */
  constructor(
    private readonly backend: Backend,
    private readonly open: (wide: boolean) => Promise<OnnxFile>,
    private readonly config: EncoderFiles['config'],
  ) {}

  /**
   * @param of what tells the picture, and what is hidden of it.
   * @param picture of the run's size; null of a grey one.
   * @param count how many latents such a picture has.
   * @param hidden where it is made grey: 128 and more.
   * @throws EngineError `start-impossible`, `not-finite` or `session-build`.
   */
  async encode(
    of: string,
    picture: (() => Promise<RgbPixels>) | null,
    size: Size,
    count: number,
    hidden: GrayPixels | null = null,
  ): Promise<LatentDistribution> {
    const values = async () => (picture ? planes(await picture(), hidden) : greyOf(size));
    const latents = this.kept.get(of) ?? this.distribution(await this.finiteMoments(await values(), size), count);
    this.kept.delete(of);
    this.kept.set(of, latents);
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT) this.kept.delete(oldest!);
    return latents;
  }

  private async finiteMoments(values: Float32Array, size: Size): Promise<Float32Array> {
    const file = await this.open(false);
    const moments = await this.moments(file, values, size);
    if (moments.every(Number.isFinite)) return moments;
    const wide = file.half ? await this.moments(await this.open(true), values, size) : moments;
    if (wide.every(Number.isFinite)) return wide;
    throw new EngineError('not-finite', 'This model’s VAE makes nothing of the start image (NaN). Try another one.');
  }

  private async moments(file: OnnxFile, plane: Float32Array, size: Size): Promise<Float32Array> {
    const input = inputByRole(file, ['sample', 'pixel_values', 'image', 'x'], 4);
    refuseOtherSize(input, size);
    const output = momentsOf(file, input);
    const session = await file.session(this.backend, file.upToValues([output]));
    const batch = typeof input.dims?.[0] === 'number' ? input.dims[0] : 1;
    const values = new Float32Array(batch * plane.length);
    for (let row = 0; row < batch; row += 1) values.set(plane, row * plane.length);
    const given = this.backend.upload(elemType(input), [batch, 3, size.height, size.width], values);
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

/** A picture and what the mask leaves of it. */
const KEPT = 2;

/** Planes in [−1, 1], as diffusers has them: `image · (mask < 0.5)`. */
function planes({ width, height, rgb }: RgbPixels, hidden: GrayPixels | null): Float32Array {
  const plane = width * height;
  return Float32Array.from({ length: 3 * plane }, (_, at) => {
    if (hidden && hidden.gray[at % plane]! > 127) return 0;
    const level = rgb[3 * (at % plane) + Math.floor(at / plane)]!;
    return 2 * Math.fround(level / 255) - 1;
  });
}

function greyOf({ width, height }: Size): Float32Array {
  return new Float32Array(3 * width * height);
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
