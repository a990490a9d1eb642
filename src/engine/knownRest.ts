// What stays on the device through a run with a mask: what the rest of the picture is made of behind each record, or
// the channels that a UNet for inpainting reads beside the latents.

import type { KnownFactors } from '../diffusion/types';
import { elements, type Backend, type BlendInput, type DeviceTensor } from './backend';
import type { FirstLatents } from './startLatents';

/** Nothing of it is noise: what is shown, and what a run ends with. */
export const CLEAN: KnownFactors = { sample: 1, noise: 0 };

export class KnownRest {
  /** [images, channels, height, width]. */
  readonly beside: DeviceTensor | null;
  private readonly parts: Omit<BlendInput, 'latents' | 'known'> | null;

  /**
   * @param mask [height, width]; null of a run without one.
   * @param shape of all latents.
   */
  constructor(
    private readonly backend: Backend,
    { known, beside }: Pick<FirstLatents, 'known' | 'beside'>,
    mask: Float32Array | null,
    shape: readonly number[],
  ) {
    const [images = 1, , height = 1, width = 1] = shape;
    const upload = (dims: readonly number[], values: Float32Array) => backend.upload('float32', dims, values);
    this.beside = beside && upload([images, beside.length / elements([images, height, width]), height, width], beside);
    this.parts =
      known && mask
        ? {
            start: upload(shape, known.start),
            startNoise: upload(shape, known.noise),
            mask: upload([height, width], mask),
          }
        : null;
  }

  /** A tensor of its own, with the rest as it is known; `latents` stay the caller's. */
  async around(latents: DeviceTensor, known: KnownFactors): Promise<DeviceTensor> {
    if (!this.parts) throw new Error('This run has no mask.');
    return this.backend.maskBlend({ ...this.parts, latents, known });
  }

  dispose(): void {
    this.beside?.dispose();
    for (const tensor of Object.values(this.parts ?? {})) tensor.dispose();
  }
}
