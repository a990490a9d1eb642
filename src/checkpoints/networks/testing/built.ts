// Builds the networks of fixtures/checkpoints and runs them on a backend, with the inputs that their goldens had.

import {
  golden,
  storedWeights,
  structureOf,
  valuesOf,
  type GoldenNetwork,
} from '../../../../fixtures/checkpoints/networks';
import type { Backend } from '../../../engine/backend';
import { elemType, OnnxFile } from '../../../engine/onnxFile';
import { Unet } from '../../../engine/unet';
import type { FLOAT, FLOAT16, Model } from '../../../onnx/file/model';
import type { GraphOptions } from '../graphBuilder';
import { unet as build } from '../unetGraph';

export type UnetName = keyof typeof golden.unets;
type FloatType = typeof FLOAT | typeof FLOAT16;

export function openUnet(name: UnetName, type: FloatType, backend: Backend) {
  const structure = structureOf(name);
  const { weight, openFile, asked } = storedWeights(name);
  const model = build(structure, { weight, type, splitsGelu: false });
  const file = OnnxFile.built(model, `${name}.onnx`, { device: backend, openFile });
  return {
    file,
    asked,
    unet: new Unet(backend, file, {
      in_channels: structure.in_channels,
      ...(structure.time_cond_proj_dim !== null && { time_cond_proj_dim: structure.time_cond_proj_dim }),
    }),
  };
}

/** Both rows, perturbed at these sites. */
export async function predict(
  unet: Unet,
  name: UnetName,
  perturbed: readonly string[],
  backend: Backend,
): Promise<Float32Array> {
  const { inputs } = golden.unets[name];
  const fed = unet.file.inputs.filter((input) => input.name !== 'timestep');
  const places = fed.map((input) => ({ input, place: inputs[input.name]! }));
  const feeds = Object.fromEntries(
    places.map(({ input, place }) => [input.name, backend.upload(elemType(input), place.shape, valuesOf(place))]),
  );
  const { sample, ...conditioning } = feeds;
  const output = await unet.predict(
    await unet.prepare(unet.sites.filter((site) => perturbed.includes(site.name))),
    {
      sample: sample!,
      timestep: valuesOf(inputs.timestep!)[0]!,
      conditioning,
      fork: [0, 1].map((source) => ({ source, identity: perturbed.length > 0 ? 1 : 0 })),
    },
    new AbortController().signal,
  );
  return backend.read(output);
}

/** All outputs of a network with one input, by name, and the parameters that it asked for. */
export async function run(
  network: string,
  build: (options: GraphOptions) => Model,
  place: GoldenNetwork<unknown>['inputs'][string],
  backend: Backend,
  type: FloatType,
) {
  const { weight, openFile, asked } = storedWeights(network);
  const file = OnnxFile.built(build({ weight, type, splitsGelu: false }), network, { device: backend, openFile });
  const session = await file.session(backend, file.upTo(file.outputs.map(({ name }) => name)));
  const [input] = file.inputs;
  const made = await session.run({ [input!.name]: backend.upload(elemType(input!), place.shape, valuesOf(place)) });
  const values = new Map<string, Float32Array>();
  for (const [name, tensor] of Object.entries(made)) values.set(name, await backend.read(tensor));
  await session.dispose();
  return { values, asked };
}
