// One run, from settings to a pair of pictures. Both images of a comparison start from the same noise and are
// rows of the same batch; latents stay on the device, only previews and the final pictures are read back.

import {
  combinedImages,
  forkRows,
  isNonlinear,
  planStep,
  rowGuidance,
  type CombinedImage,
  type GuidanceSettings,
} from '../diffusion/guidance';
import { TorchGenerator } from '../diffusion/noise';
import { PLAIN_PAG } from '../diffusion/options';
import { pagScales } from '../diffusion/pagScale';
import { makeStepTable } from '../diffusion/schedulers';
import { countSteps, historyLength, needsNoise } from '../diffusion/stepTable';
import type { Row, SiteRow, StepTable } from '../diffusion/types';
import { selectSites } from '../onnx/sites/layers';
import type { Site } from '../onnx/sites/sites';
import { EngineError } from '../protocol/errors';
import type { Pair, ProgressEvent, RunStats } from '../protocol/messages';
import type { Settings } from '../settings/fields';
import { elements, type DeviceTensor } from './backend';
import { checkpoint } from './checkpoint';
import { conditionRows, withoutSites, type DiffusionModel } from './diffusionModel';
import { assertFinite } from './vaeDecoder';

export interface RunHooks {
  readonly signal: AbortSignal;
  progress(phase: ProgressEvent['phase'], step: number, secondsLeft: number | null): void;
  preview(step: number, pair: Pair): void;
}

export interface RunResult {
  readonly pair: Pair;
  /** Final latents of each image, f32 [images, channels, height, width]. */
  readonly latents: Float32Array;
  readonly stats: RunStats;
}

/** Previews may take this share of the time that the steps take. */
const PREVIEW_SHARE = 0.25;

/** @throws EngineError, or AbortError where `hooks.signal` is aborted. */
export async function generate(model: DiffusionModel, settings: Settings, hooks: RunHooks): Promise<RunResult> {
  const started = performance.now();
  const { backend, unet } = model;
  hooks.progress('prepare', 0, null);
  await checkpoint(hooks.signal);
  const table = stepTable(model, settings);
  const sites = chosenSites(model, settings);
  const strengths = new Map(sites.map((site) => [site, settings.pag.siteIdentity[site.name] ?? settings.pag.identity]));
  const plans = pagScales(settings.pagScale, settings.pag, table).map((pagScale) =>
    planImages(imagesOf(model, settings, pagScale, strengths), settings),
  );
  // Steps differ in their perturbed rows alone, which do not exist before the fork.
  const { base } = plans[0] as (typeof plans)[number];
  // The prompt first: where memory is short its encoders are gone before the UNet is there.
  const conditioning = await conditionRows(
    model,
    settings,
    base.map((row) => row.context),
    hooks.signal,
  );
  const held = new Holder();
  let unetRows = 0;
  try {
    const cutPlan = await unet.prepare(sites, hooks.signal);
    const images = settings.compare ? 2 : 1;
    const shape = [images, ...model.info.latentShape];
    const noise = new TorchGenerator(settings.seed);
    const draw = (scale: number) => backend.upload('float32', shape, sameNoise(noise, shape, scale));
    let latents = held.set('latents', draw(table.initNoiseSigma));
    const kept = [historyLength(table), ...shape];
    let history = held.set('history', backend.upload('float32', kept, new Float32Array(elements(kept))));
    const steps = countSteps(table);
    let stepSeconds = 0;
    let previewSeconds = 0;
    for (const [index, coefficients] of table.steps.entries()) {
      const secondsLeft = index === 0 ? null : ((stepSeconds + previewSeconds) / index) * (table.steps.length - index);
      hooks.progress('denoise', coefficients.step, secondsLeft);
      const { weights, siteRows, nonlinear } = plans[index] as (typeof plans)[number];
      const begun = performance.now();
      const sample = await backend.modelInput(
        latents,
        base.map((row) => row.image),
        coefficients.inputScale,
        unet.sampleType,
      );
      let predictions: DeviceTensor;
      try {
        predictions = await unet.predict(
          cutPlan,
          { sample, timestep: coefficients.timestep, conditioning: conditioning.feeds, fork: siteRows, strengths },
          hooks.signal,
        );
      } finally {
        sample.dispose();
      }
      held.set('predictions', predictions);
      if (nonlinear) {
        predictions = held.set(
          'predictions',
          await backend.rescaledGuidance({
            predictions,
            latents,
            images: nonlinear,
            guidance: settings.pag,
            denoised: coefficients.denoised,
          }),
        );
      }
      const fresh = needsNoise(coefficients) ? held.set('noise', draw(1)) : null;
      const next = await backend.guidedStep({ predictions, latents, history, noise: fresh, weights, coefficients });
      held.drop('predictions', 'noise');
      latents = held.set('latents', next.latents);
      history = held.set('history', next.history);
      const denoised = held.set('denoised', next.denoised);
      unetRows += siteRows.length;
      stepSeconds += (performance.now() - begun) / 1000;
      const following = table.steps[index + 1]?.step ?? steps;
      if (
        following > coefficients.step &&
        following < steps &&
        (coefficients.step === 0 || previewSeconds < PREVIEW_SHARE * stepSeconds)
      ) {
        const previewed = performance.now();
        hooks.preview(following, await decodePair(model, denoised, settings.compare, hooks.signal));
        previewSeconds += (performance.now() - previewed) / 1000;
      }
    }
    hooks.progress('decode', steps, null);
    await checkpoint(hooks.signal);
    const values = await backend.read(latents);
    assertFinite(values);
    const pair = await decodePair(model, latents, settings.compare, hooks.signal);
    const mostRows = Math.max(...plans.map(({ siteRows }) => siteRows.length));
    const stats: RunStats = {
      seconds: (performance.now() - started) / 1000,
      unetRows,
      rowsBeforeFork: unet.fixedBatch === null ? base.length : mostRows,
      rowsAfterFork: mostRows,
      perturbedSites:
        settings.pagScale > 0 ? sites.filter((site) => (strengths.get(site) ?? 0) > 0).map((site) => site.name) : [],
    };
    return { pair, latents: values, stats };
  } finally {
    conditioning.dispose();
    held.dispose();
  }
}

/** Builds what a run with these settings needs and runs one forward, so that the run itself starts at once. */
export async function warmUp(model: DiffusionModel, settings: Settings, signal: AbortSignal): Promise<void> {
  const pagScale = model.unet.sites.length > 0 ? settings.pagScale : 0;
  await generate(
    model,
    { ...settings, pagScale, steps: 1, pag: PLAIN_PAG },
    { signal, progress: () => {}, preview: () => {} },
  );
}

/** Images in the order of the latents: without PAG first, where both are made. */
function imagesOf(
  model: DiffusionModel,
  settings: Settings,
  pagScale: number,
  strengths: ReadonlyMap<Site, number>,
): GuidanceSettings[] {
  const guidanceScale = rowGuidance(settings.guidanceScale, model.info.guidanceEmbedded);
  // A row is perturbed as much as its site says; 1 here stands for any.
  const identity = [...strengths.values()].some((strength) => strength > 0) ? 1 : 0;
  const withPag = { guidanceScale, pagScale, identity };
  return settings.compare ? [{ guidanceScale, pagScale: 0 }, withPag] : [withPag];
}

interface StepPlan {
  /** weights[image][row] of what the scheduler's step reads. */
  readonly weights: readonly (readonly number[])[];
  readonly base: readonly Row[];
  readonly siteRows: readonly SiteRow[];
  /** The rows of each image, where they are combined to one prediction an image before the scheduler's step. */
  readonly nonlinear: readonly CombinedImage[] | null;
}

function planImages(images: readonly GuidanceSettings[], { pag }: Settings): StepPlan {
  const { rows, weights } = planStep(images);
  const combined = combinedImages(images, rows);
  if (!isNonlinear(pag, combined)) return { weights, nonlinear: null, ...forkRows(rows) };
  const own = images.map((_, image) => images.map((__, other) => (other === image ? 1 : 0)));
  return { weights: own, nonlinear: combined, ...forkRows(rows) };
}

/** The cut is the same whatever the PAG scale, so that scale 0 is bit-equal to CFG alone. */
function chosenSites(model: DiffusionModel, settings: Settings): Site[] {
  if (model.unet.sites.length === 0) {
    if (settings.pagScale === 0) return [];
    throw new EngineError('pag-impossible', withoutSites(model.unet.refused));
  }
  return selectSites(settings.layers, model.unet.sites);
}

function stepTable(model: DiffusionModel, settings: Settings): StepTable {
  try {
    return makeStepTable(settings.scheduler, model.files.scheduler, settings.steps, settings);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(
      'schedule-impossible',
      `This schedule cannot be made: ${why} Choose another scheduler or number of steps.`,
      why,
      { cause },
    );
  }
}

/** The generator's next standard normal noise, times `scale`: one draw, the same for every image. [images, …] */
function sameNoise(generator: TorchGenerator, [images = 1, ...image]: readonly number[], scale: number): Float32Array {
  const noise = generator.randn(elements(image));
  const values = new Float32Array(images * noise.length);
  for (let at = 0; at < values.length; at += 1) values[at] = scale * (noise[at % noise.length] as number);
  return values;
}

async function decodePair(
  model: DiffusionModel,
  latents: DeviceTensor,
  compare: boolean,
  signal: AbortSignal,
): Promise<Pair> {
  const first = await model.vaeDecoder.decode(latents, 0);
  if (!compare) return { withoutPag: null, withPag: first };
  await checkpoint(signal);
  return { withoutPag: first, withPag: await model.vaeDecoder.decode(latents, 1) };
}

/** Keeps the newest tensor of each name and disposes of the one that it replaces. */
class Holder {
  private readonly tensors = new Map<string, DeviceTensor>();

  set(name: string, tensor: DeviceTensor): DeviceTensor {
    this.tensors.get(name)?.dispose();
    this.tensors.set(name, tensor);
    return tensor;
  }

  drop(...names: readonly string[]): void {
    for (const name of names) {
      this.tensors.get(name)?.dispose();
      this.tensors.delete(name);
    }
  }

  dispose(): void {
    this.drop(...this.tensors.keys());
  }
}
