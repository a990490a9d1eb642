// Networks as we write them on ONNX Runtime's WebGPU provider, in f32 and, where the device has it, in f16.

import { beforeAll, expect, test } from 'vitest';
import { golden, structureOf, valuesOf } from '../../../fixtures/checkpoints/networks';
import { GpuBackend } from '../../engine/gpuBackend';
import { GPU_F16, GPU_F32 } from '../../engine/testing/bounds';
import { loadNodeGpuRuntime, loadNodeRuntime } from '../../engine/testing/nodeRuntime';
import { relativeError } from '../../engine/testing/unetChecks';
import { describeOnDawn } from '../../kernels/testing/dawn';
import type { Backend } from '../../engine/backend';
import { CpuBackend } from '../../engine/cpuBackend';
import { elemType, OnnxFile } from '../../engine/onnxFile';
import { FLOAT, FLOAT16, type Tensor } from '../../onnx/file/model';
import { clipText } from './clipText';
import { GraphBuilder } from './graphBuilder';
import { geglu } from './layerNodes';
import { openUnet, predict, run } from './testing/built';
import { vaeDecoder } from './vae';

/** Numbers in (−2, 2) without a period. */
function waves(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, at) => 2 * Math.sin(at * at + 1));
}

describeOnDawn('networks on WebGPU', (gpu) => {
  let backend: GpuBackend;

  beforeAll(async () => {
    backend = new GpuBackend(await loadNodeGpuRuntime(gpu.instance), gpu.device, { fusesAttention: false });
  });

  const types = [[FLOAT, GPU_F32] as const, ...(gpu.f16 ? [[FLOAT16, GPU_F16] as const] : [])];

  test.each(types)('a text encoder and a VAE in type %i', async (type, bound) => {
    const text = golden.texts.openclip;
    const encode = (options: Parameters<typeof vaeDecoder>[1]) => clipText(text.config, { ...options, projects: true });
    const encoded = (await run('openclip', encode, text.inputs.input_ids!, backend, type)).values;
    const states = encoded.get('last_hidden_state')!;
    expect(relativeError(states, valuesOf(text.outputs.last_hidden_state!))).toBeLessThan(bound);
    expect(relativeError(encoded.get('text_embeds')!, valuesOf(text.outputs.pooled!))).toBeLessThan(bound);
    const vae = golden.vaes.kl;
    const decode = (options: Parameters<typeof vaeDecoder>[1]) => vaeDecoder(vae.config, options);
    const decoded = (await run('kl', decode, vae.inputs.latents!, backend, type)).values;
    expect(relativeError(decoded.get('sample')!, valuesOf(vae.outputs.decoded!))).toBeLessThan(bound);
  });

  test.each(types)(
    'GEGLU of the width of Stable Diffusion’s first level in type %i: one operator in f32, where that is right',
    async (type, bound) => {
      const [from, to, tokens] = [8, 1280, 6];
      const values = { weight: waves(2 * to * from), bias: waves(2 * to) };
      const file = new Blob([values.weight, values.bias]);
      const run = async (on: Backend, elem: typeof FLOAT | typeof FLOAT16) => {
        const weight = (name: string, dims: readonly number[]): Tensor => {
          const offset = name === 'weight' ? 0 : values.weight.byteLength;
          const range = { location: 'weights', offset, length: values[name as 'weight' | 'bias'].byteLength };
          return { name, dims, dataType: FLOAT, raw: null, range, encoded: null };
        };
        const g = GraphBuilder.start({ weight, type: elem, splitsGelu: on.splitsGelu });
        g.output('y', geglu(g, g.input('x', elem, ['batch', tokens, from]), { from, to }), ['batch', tokens, to]);
        const model = g.finish();
        const isOne = model.nodes.some(({ opType }) => opType === 'BiasSplitGelu');
        expect(isOne).toBe(on.splitsGelu && elem === FLOAT);
        const built = OnnxFile.built(model, 'geglu', { device: on, openFile: () => Promise.resolve(file) });
        const session = await built.session(on, built.upTo(['y']));
        const x = on.upload(elemType(built.inputs[0]!), [2, tokens, from], waves(2 * tokens * from));
        return on.read((await session.run({ x })).y!);
      };
      const expected = await run(new CpuBackend(await loadNodeRuntime()), FLOAT);
      expect(relativeError(await run(backend, type), expected)).toBeLessThan(bound);
    },
  );

  // Cut once: pipelines take long to compile on software drivers.
  test.each(types)('a UNet in type %i, perturbed at a site', async (type, bound) => {
    const { unet } = openUnet('sdxl', type, backend);
    const { sets, predictions } = golden.unets.sdxl;
    const made = await predict(unet, 'sdxl', sets.first!, backend);
    expect(relativeError(made, valuesOf(predictions.first!))).toBeLessThan(bound);
    await unet.dispose();
  });

  test('an inpainting UNet, whose first convolution has 9 channels', async () => {
    const { unet } = openUnet('koala', FLOAT, backend);
    expect(structureOf('koala').in_channels).toBe(9);
    const made = await predict(unet, 'koala', [], backend);
    expect(relativeError(made, valuesOf(golden.unets.koala.predictions.none!))).toBeLessThan(GPU_F32);
    await unet.dispose();
  });

  test('sites with heads that the kernel does not take are left out and counted; the others are as ever', async () => {
    const { unet } = openUnet('sd', FLOAT, backend);
    const { sets, predictions } = golden.unets.sd;
    const taken = new Set(unet.sites.map(({ name }) => name));
    const left = sets.all!.filter((name) => !taken.has(name));
    // Two heads over 12 channels: of 6 each.
    expect(left.length).toBeGreaterThan(0);
    expect(left.every((name) => /^(down_blocks\.1|up_blocks\.1)\./.test(name))).toBe(true);
    expect(unet.refused.get('headDim')).toBe(left.length);
    const made = await predict(unet, 'sd', sets.first!, backend);
    expect(relativeError(made, valuesOf(predictions.first!))).toBeLessThan(GPU_F32);
    await unet.dispose();
  });
});
