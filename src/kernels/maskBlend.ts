// What a step has made under a mask, and the start image's latents at that noise level everywhere else. Latents, the
// start's and its noise: [images, elements] f32; mask: [plane] f32, the same for each channel, 1 where the step's stay.

import type { KnownFactors } from '../diffusion/types';
import body from './maskBlend.wgsl?raw';
import type { KernelCompiler } from './compiler';
import { encodeDispatch, tensorBytes } from './dispatch';

export interface MaskBlendShape {
  readonly images: number;
  /** Elements of one image's latents, and of one channel of them. */
  readonly elements: number;
  readonly plane: number;
}

export interface MaskBlend {
  /** Encodes one dispatch. `out` is none of the others. */
  encode(
    encoder: GPUCommandEncoder,
    buffers: {
      readonly latents: GPUBuffer;
      readonly start: GPUBuffer;
      readonly startNoise: GPUBuffer;
      readonly mask: GPUBuffer;
      readonly out: GPUBuffer;
    },
    factors: KnownFactors,
  ): void;
}

/** @throws EngineError `shader-compile`. */
export async function createMaskBlend(compiler: KernelCompiler, shape: MaskBlendShape): Promise<MaskBlend> {
  const pipeline = await compiler.pipeline({ name: 'maskBlend', body }, 'f32');
  const imageBytes = tensorBytes(shape.images * shape.elements, 'f32');
  return {
    encode(encoder, { mask, ...buffers }, factors) {
      const params = compiler.parameterBuffer('maskBlend', maskBlendParameters(shape, factors));
      const image = (name: 'latents' | 'start' | 'startNoise' | 'out') => ({
        name,
        tensor: buffers[name],
        bytes: imageBytes,
      });
      encodeDispatch(
        compiler,
        encoder,
        pipeline,
        [
          { name: 'parameters', tensor: params, bytes: params.size },
          image('latents'),
          image('start'),
          image('startNoise'),
          { name: 'mask', tensor: mask, bytes: tensorBytes(shape.plane, 'f32') },
          image('out'),
        ],
        [Math.ceil(shape.elements / 64), shape.images, 1],
      );
    },
  };
}

/** `Params` of maskBlend.wgsl. */
export function maskBlendParameters({ elements, plane }: MaskBlendShape, { sample, noise }: KnownFactors): Uint32Array {
  const words = new Uint32Array(4);
  words.set([elements, plane]);
  new Float32Array(words.buffer).set([sample, noise], 2);
  return words;
}
