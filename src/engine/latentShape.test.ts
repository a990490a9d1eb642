// Which sizes a model's graphs take, told from UNets as exporters write them: with any size, or made for one.

import { describe, expect, test } from 'vitest';
import { architectures, files, unetFile } from '../../fixtures/architectures/golden';
import type { Model } from '../onnx/file/model';
import { CpuBackend } from './cpuBackend';
import { pictureSizes, type LatentShape, type SizedGraph } from './latentShape';
import { OnnxFile } from './onnxFile';
import { loadNodeRuntime } from './testing/nodeRuntime';
import { Unet } from './unet';

const backend = new CpuBackend(await loadNodeRuntime());

/** Each of these UNets has one downsampling. */
async function openUnet(name: string): Promise<{ graph: SizedGraph; own: LatentShape }> {
  const { architecture } = files[name]!;
  const file = await OnnxFile.open(unetFile(name), name, { device: backend, openFile: null });
  const unet = new Unet(backend, file, architecture === 'lcm' ? { time_cond_proj_dim: 8 } : {});
  const dimsAt = (latents: LatentShape) => unet.inputDims(latents, unet.fixedBatch ?? 1);
  const own = architectures[architecture].inputs['sample']!.shape.slice(1) as unknown as LatentShape;
  return { graph: { model: unet.file.graph.model, output: unet.output, dimsAt }, own };
}

/** What declares any height and width of the latents, whatever its nodes say. */
function undeclared(model: Model): Model {
  const inputs = model.inputs.map((input) =>
    input.dims?.length === 4 ? { ...input, dims: [...input.dims.slice(0, 2), 'height', 'width'] } : input,
  );
  return { ...model, inputs };
}

describe('the sizes of an exported UNet', () => {
  test.each(Object.keys(files))('%s', async (name) => {
    const { graph, own } = await openUnet(name);
    const declared = graph.model.inputs.find(({ dims }) => dims?.length === 4)?.dims?.[2];
    expect(pictureSizes(own, graph, graph, 1)).toEqual({
      own: { width: 8, height: 8 },
      multiple: 2,
      isFixed: typeof declared === 'number',
    });
  });

  test.each(['sd-static', 'sd-sliced'])('%s has it in its nodes too, though its input said nothing', async (name) => {
    const { graph, own } = await openUnet(name);
    const model = undeclared(graph.model);
    const sizes = pictureSizes(own, { ...graph, model }, { ...graph, model }, 1);
    expect(sizes.isFixed).toBe(true);
  });

  test('a decoder of one size fixes the model’s', async () => {
    const [unet, decoder] = [await openUnet('sd-optimum'), await openUnet('sd-static')];
    expect(pictureSizes(unet.own, unet.graph, decoder.graph, 1).isFixed).toBe(true);
  });
});
