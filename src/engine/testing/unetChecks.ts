// What must hold of the cut UNet on any backend, written once. Reference: ONNX Runtime in Python on a graph in
// which the perturbed sites were rewired to V by other means than our cut (fixtures/models/make_golden.py).

import { openAsBlob } from 'node:fs';
import { readUnetGolden, type GoldenModelId } from '../../../fixtures/models/golden';
import type { SiteRow } from '../../diffusion/types';
import { Graph } from '../../onnx/graph/graph';
import { FLOAT16 } from '../../onnx/file/model';
import { readModel } from '../../onnx/file/read';
import { surveySites } from '../../onnx/sites/sites';
import type { Backend } from '../backend';
import { elemType, OnnxFile } from '../onnxFile';
import { Unet } from '../unet';

const never = new AbortController().signal;

/** `change` makes another file of the model's bytes. */
export async function openGoldenUnet(
  id: GoldenModelId,
  backend: Backend,
  change: (model: Blob) => Promise<Blob> = (model) => Promise.resolve(model),
) {
  const golden = readUnetGolden(id);
  const model = await change(await openAsBlob(`${golden.folder}/unet/model.onnx`));
  const file = await OnnxFile.open(model, 'unet/model.onnx', { device: backend, openFile: null });
  const unet = new Unet(backend, file, {});
  return { golden, unet };
}

/** The model with other weights in to_q and to_k of these self-attentions: each weight's elements in reverse order. */
export async function withNoiseForQueriesAndKeys(model: Blob, siteNames: readonly string[]): Promise<Blob> {
  const bytes = new Uint8Array(await model.arrayBuffer());
  const graph = new Graph(await readModel(model, 'unet/model.onnx'));
  const sites = surveySites(graph).sites.filter((site) => siteNames.includes(site.name));
  for (const value of sites.flatMap(({ q, k }) => [q, k])) {
    const factor = graph.producers.get(value)?.inputs[1] ?? '';
    // Weights that are stored as f16 have a Cast behind them.
    const weight = graph.model.initializers.get(graph.producers.get(factor)?.inputs[0] ?? factor);
    if (!weight?.range) throw new Error(`No stored weight was found behind ${value}.`);
    const { offset, length } = weight.range;
    const width = weight.dataType === FLOAT16 ? 2 : 4;
    const elements = Array.from({ length: length / width }, (_, i) =>
      bytes.slice(offset + i * width, offset + (i + 1) * width),
    );
    elements.reverse().forEach((element, i) => bytes.set(element, offset + i * width));
  }
  return new Blob([bytes]);
}

type Opened = Awaited<ReturnType<typeof openGoldenUnet>>;

/**
 * Runs base rows `base` (indices into the golden's two rows) with the given fork, recorded or not. Returns one array
 * per output row.
 */
export async function predictRows(
  { golden, unet }: Opened,
  backend: Backend,
  siteNames: readonly string[],
  base: readonly number[],
  fork: readonly SiteRow[],
  overrides: { sample?: Float32Array; context?: Float32Array } = {},
  captured = false,
): Promise<Float32Array[]> {
  const { sample, timestep, encoderHiddenStates } = golden.inputs;
  const whole = backend.upload(unet.sampleType, sample.shape, overrides.sample ?? sample.data);
  const states = backend.upload(
    elemType(unet.inputs.context),
    encoderHiddenStates.shape,
    overrides.context ?? encoderHiddenStates.data,
  );
  const input = {
    sample: backend.gatherRows(whole, base),
    conditioning: { [unet.inputs.context.name]: backend.gatherRows(states, base) },
    timestep: timestep[0]!,
    fork,
  };
  const plan = await unet.prepare(
    unet.sites.filter((site) => siteNames.includes(site.name)),
    never,
    captured
      ? {
          latentShape: sample.shape.slice(1) as [number, number, number],
          conditioning: input.conditioning,
          rows: [{ base: base.length, behindFork: fork.length }],
        }
      : null,
  );
  if (captured && !plan.captured) throw new Error('These segments are not recorded.');
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
    const difference = Math.abs(actual[at]! - expected[at]!);
    if (!(difference <= worst)) worst = difference;
    largest = Math.max(largest, Math.abs(expected[at]!));
  }
  return actual.length === expected.length ? worst / largest : Infinity;
}

export function goldenRow(golden: Opened['golden'], key: string, row: number): Float32Array {
  const prediction = golden.predictions.get(key);
  if (!prediction) throw new Error(`No golden called ${key}`);
  const { data } = prediction.outSample;
  return data.slice((row * data.length) / 2, ((row + 1) * data.length) / 2);
}
