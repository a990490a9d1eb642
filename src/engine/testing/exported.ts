// Runs the UNets of fixtures/architectures on a backend, with the inputs that their goldens had.

import {
  architectures,
  files,
  tensorAt,
  unetFile,
  type TensorPlace,
  type UnetFile,
} from '../../../fixtures/architectures/golden';
import type { SiteRow } from '../../diffusion/types';
import type { ValueInfo } from '../../onnx/file/model';
import type { Backend } from '../backend';
import { elemType, OnnxFile } from '../onnxFile';
import { Unet } from '../unet';

const never = new AbortController().signal;
/** `time_cond_proj_dim` of the architecture that has one. */
const GUIDANCE_WIDTH = 8;

export interface ExportedUnet {
  readonly info: UnetFile;
  readonly file: OnnxFile;
  readonly unet: Unet;
}

export async function openExported(name: string, backend: Backend): Promise<ExportedUnet> {
  return openExportedFile(name, name, backend);
}

/** A file made of the one called `origin`, to whose goldens it is held. */
export async function openExportedFile(name: string, origin: string, backend: Backend): Promise<ExportedUnet> {
  const info = files[origin];
  if (!info) throw new Error(`No UNet called ${origin}`);
  const file = await OnnxFile.open(unetFile(name), `${name}.onnx`, { device: backend, openFile: null });
  return {
    info,
    file,
    unet: new Unet(backend, file, info.architecture === 'lcm' ? { time_cond_proj_dim: GUIDANCE_WIDTH } : {}),
  };
}

/**
 * Both rows, perturbed at these sites; or other rows, as `fork` says.
 * `cutAt` may name more sites: those do ordinary attention. Where it is to be `recorded`, it must be.
 */
export async function predictExported(
  { info, unet }: ExportedUnet,
  backend: Backend,
  siteNames: readonly string[],
  cutAt: readonly string[] = siteNames,
  fork: readonly SiteRow[] = [0, 1].map((source) => ({ source, identity: siteNames.length > 0 ? 1 : 0 })),
  recorded = false,
): Promise<Float32Array> {
  const golden = architectures[info.architecture];
  const input = (key: string): TensorPlace => {
    const place = golden.inputs[key];
    if (!place) throw new Error(`No golden input ${key}`);
    return place;
  };
  const { sample, context, textEmbeds, timeIds, timestepCond } = unet.inputs;
  const roles = [
    [context, 'encoder_hidden_states'],
    [textEmbeds, 'text_embeds'],
    [timeIds, 'time_ids'],
    [timestepCond, 'timestep_cond'],
  ] as const;
  const upload = (role: ValueInfo, key: string) =>
    backend.upload(elemType(role), input(key).shape, tensorAt(input(key)));
  const whole = upload(sample, 'sample');
  const conditioning = Object.fromEntries(
    roles.flatMap(([role, key]) => (role ? [[role.name, upload(role, key)]] : [])),
  );
  const [base, ...latentShape] = whole.dims as [number, number, number, number];
  const sizes = recorded ? { latentShape, conditioning, rows: [{ base, behindFork: fork.length }] } : null;
  const plan = await unet.prepare(
    unet.sites.filter((site) => cutAt.includes(site.name)),
    never,
    sizes,
  );
  if (recorded && !plan.captured) throw new Error('These segments are not recorded.');
  const output = await unet.predict(
    plan,
    {
      sample: whole,
      timestep: tensorAt(input('timestep'))[0]!,
      conditioning,
      fork,
      strengths: new Map(unet.sites.map((site) => [site, siteNames.includes(site.name) ? 1 : 0])),
    },
    never,
  );
  const values = await backend.read(output);
  for (const tensor of [whole, ...Object.values(conditioning), output]) tensor.dispose();
  return values;
}
