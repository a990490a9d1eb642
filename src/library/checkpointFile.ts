// A .safetensors file as a model, on the visitor's disk, in the model store or on the hub: what it is, from its header.
// Nothing else of it is read here.

import { identify, type Checkpoint } from '../checkpoints/identify';
import type { Head } from '../checkpoints/networkFile';
import { readPrediction, type Prediction } from '../checkpoints/prediction';
import { readHeader } from '../checkpoints/safetensors';
import { unetAlone } from '../checkpoints/unetAlone';
import { isVaeAlone, vaeAlone } from '../checkpoints/vaeAlone';
import { schedulerOf, unetConfigOf, wholeModel } from '../checkpoints/wholeModel';
import type { UnetConfig } from '../configs/schemas';
import { NO_GLANCE, type Weights } from '../models/estimate';
import { sizeText } from '../models/preflight';
import { usualSettings } from '../models/usualSettings';
import { withoutEnding } from '../models/weightFiles';
import type { UsualSettings } from '../settings/fields';
import { modelText } from './networks';

export interface CheckpointModel {
  /** The file's, without its ending. */
  readonly name: string;
  /** "Stable Diffusion 1.x, f16, 2.1 GB". */
  readonly what: string;
  readonly weights: Weights;
  readonly usual: UsualSettings;
}

/** A VAE without a model, as a replacement of a model's own. */
export interface VaeFile {
  readonly name: string;
  /** "f16, 335 MB". */
  readonly what: string;
  readonly file: File;
  /** TAESD. */
  readonly tiny: boolean;
}

/** What a UNet without the rest of a model is. */
export interface UnetFound {
  /** "Stable Diffusion XL, f16, 5.1 GB". */
  readonly what: string;
  readonly config: UnetConfig;
  /** With its family's scheduler. */
  readonly usual: UsualSettings;
  readonly half: boolean;
}

/** One on the visitor's disk. */
export interface UnetFile extends Omit<UnetFound, 'half'> {
  readonly name: string;
  readonly file: File;
}

/**
 * null where there is more in the file, or something else.
 * @throws EngineError `model-invalid`: that it is no .safetensors file, or what of it is damaged.
 */
export async function vaeFile(file: File): Promise<VaeFile | null> {
  const header = await readHeader(file);
  if (!isVaeAlone(header)) return null;
  const { sources, kind } = vaeAlone(header);
  const [first] = sources.values();
  const dtype = first?.tensor.dtype.toLowerCase() ?? '';
  return { name: withoutEnding(file.name), what: `${dtype}, ${sizeText(file.size)}`, file, tiny: kind === 'tiny' };
}

/**
 * null where there is more in the file, or no UNet.
 * @throws EngineError `model-invalid`: what the file is instead, or what of it is damaged.
 */
export async function unetFile(file: File): Promise<UnetFile | null> {
  const found = await unetFound({ head: file, size: file.size });
  if (!found) return null;
  const { what, config, usual } = found;
  return { name: withoutEnding(file.name), what, file, config, usual };
}

/**
 * The same of one that is not here as a File.
 * @throws EngineError `model-invalid`: what the file is instead, or what of it is damaged.
 */
export async function unetFound({ head, size }: Head): Promise<UnetFound | null> {
  const header = await readHeader(head, size);
  const model = unetAlone(identify(header));
  if (!model) return null;
  const prediction = await readPrediction(header, model, head);
  const config = unetConfigOf(model, prediction, header);
  return {
    what: textOf(model, prediction),
    config,
    usual: usualSettings({ scheduler: schedulerOf(model, prediction), unet: config }),
    half: model.dtype !== 'F32',
  };
}

/**
 * @param name the file's.
 * @throws EngineError `model-invalid`: what the file is instead, what it lacks, or what of it is damaged.
 */
export async function checkpointModel(name: string, { head, size }: Head): Promise<CheckpointModel> {
  const header = await readHeader(head, size);
  const model = wholeModel(identify(header));
  const prediction = await readPrediction(header, model, head);
  const unet = unetConfigOf(model, prediction, header);
  return {
    name: withoutEnding(name),
    what: textOf(model, prediction),
    weights: {
      bytes: model.bytes,
      paths: [name],
      unetConfig: unet,
      graph: { ...NO_GLANCE, half: model.dtype !== 'F32' },
    },
    usual: usualSettings({ scheduler: schedulerOf(model, prediction), unet }),
  };
}

function textOf({ name, dtype, bytes }: Checkpoint, { type, zeroTerminalSnr }: Prediction): string {
  return modelText({ parts: [name, dtype.toLowerCase()], bytes, velocity: type === 'v_prediction', zeroTerminalSnr });
}
