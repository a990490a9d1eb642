// What must hold of the cut UNet on any backend, written once. Reference: ONNX Runtime in Python on a graph in
// which the perturbed sites were rewired to V by other means than our cut (fixtures/models/make_golden.py).

import { openAsBlob } from 'node:fs';
import { readUnetGolden, type GoldenModelId } from '../../../fixtures/models/golden';
import type { SiteRow } from '../../diffusion/types';
import type { Backend } from '../backend';
import { OnnxFile } from '../onnxFile';
import { Unet } from '../unet';
import { elemType } from '../unetInputs';

const never = new AbortController().signal;

export async function openGoldenUnet(id: GoldenModelId, backend: Backend) {
  const golden = readUnetGolden(id);
  const file = await OnnxFile.open(await openAsBlob(`${golden.folder}/unet/model.onnx`), 'unet/model.onnx', { f16: backend.f16, openFile: null });
  const unet = new Unet(backend, file, null);
  return { golden, unet };
}

type Opened = Awaited<ReturnType<typeof openGoldenUnet>>;

/** Runs base rows `base` (indices into the golden's two rows) with the given fork. Returns one array per output row. */
export async function predictRows(
  { golden, unet }: Opened,
  backend: Backend,
  siteNames: readonly string[],
  base: readonly number[],
  fork: readonly SiteRow[],
  overrides: { sample?: Float32Array; context?: Float32Array } = {},
): Promise<Float32Array[]> {
  const { sample, timestep, encoderHiddenStates } = golden.inputs;
  const whole = backend.upload(unet.sampleType, sample.shape, overrides.sample ?? sample.data);
  const states = backend.upload(elemType(unet.inputs.context), encoderHiddenStates.shape, overrides.context ?? encoderHiddenStates.data);
  const plan = await unet.prepare(unet.sites.filter((site) => siteNames.includes(site.name)));
  const input = {
    sample: backend.gatherRows(whole, base),
    conditioning: { [unet.inputs.context.name]: backend.gatherRows(states, base) },
    timestep: timestep[0] as number,
    fork,
  };
  const output = await unet.predict(plan, input, never);
  const values = await backend.read(output);
  for (const tensor of [whole, states, input.sample, ...Object.values(input.conditioning), output]) tensor.dispose();
  const size = values.length / fork.length;
  return fork.map((_, row) => values.slice(row * size, (row + 1) * size));
}

/** Largest difference relative to the reference's largest value. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  let worst = 0;
  let largest = 0;
  for (let at = 0; at < expected.length; at += 1) {
    const difference = Math.abs((actual[at] as number) - (expected[at] as number));
    if (!(difference <= worst)) worst = difference;
    largest = Math.max(largest, Math.abs(expected[at] as number));
  }
  return actual.length === expected.length ? worst / largest : Infinity;
}

export function goldenRow(golden: Opened['golden'], key: string, row: number): Float32Array {
  const prediction = golden.predictions.get(key);
  if (!prediction) throw new Error(`No golden called ${key}`);
  const { data } = prediction.outSample;
  return data.slice((row * data.length) / 2, ((row + 1) * data.length) / 2);
}
