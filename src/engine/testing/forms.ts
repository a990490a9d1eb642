// Runs the graphs of fixtures/attention on a backend: one form of attention each.

import { attentionGolden as golden, formFile, type GoldenTensor } from '../../../fixtures/attention/golden';
import type { Backend } from '../backend';
import { elemType, OnnxFile } from '../onnxFile';
import { Unet } from '../unet';
import { relativeError } from './unetChecks';

const never = new AbortController().signal;

/** Attention is fused where the device gives the known answer, else it runs as it is written. */
export async function openForm(name: string, backend: Backend, fusesAttention: boolean): Promise<Unet> {
  const device = { f16: backend.f16, fusesAttention };
  return new Unet(backend, await OnnxFile.open(formFile(name), `${name}.onnx`, { device, openFile: null }), {});
}

/**
 * Errors against PyTorch's: of the whole graph, of the graph cut at its site,
 * and with V in the place of that attention.
 */
export async function formErrors(
  unet: Unet,
  backend: Backend,
  kind: string,
): Promise<Readonly<Record<'whole' | 'cut' | 'perturbed', number>>> {
  const { none, all } = golden.predictions[kind]!;
  const error = async (isCut: boolean, identity: number, expected: GoldenTensor) =>
    relativeError(await predict(unet, backend, isCut, identity), Float32Array.from(expected.values));
  return { whole: await error(false, 0, none), cut: await error(true, 0, none), perturbed: await error(true, 1, all) };
}

async function predict(unet: Unet, backend: Backend, isCut: boolean, identity: number): Promise<Float32Array> {
  const { sample, timestep, encoder_hidden_states: context } = golden.inputs;
  const latents = backend.upload(elemType(unet.inputs.sample), sample.shape, sample.values);
  const states = backend.upload(elemType(unet.inputs.context), context.shape, context.values);
  const output = await unet.predict(
    await unet.prepare(isCut ? unet.sites : []),
    {
      sample: latents,
      timestep: timestep.values[0]!,
      conditioning: { [unet.inputs.context.name]: states },
      fork: [
        { source: 0, identity },
        { source: 1, identity },
      ],
    },
    never,
  );
  const values = await backend.read(output);
  for (const tensor of [latents, states, output]) tensor.dispose();
  return values;
}
