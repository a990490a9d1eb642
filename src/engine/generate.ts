// One run, from settings to a pair of pictures. Both images of a comparison start from the same noise and are
// rows of the same batch; latents stay on the device, only previews and the final pictures are read back.

import { PLAIN_PAG } from '../diffusion/options';
import { isSameWithoutPag, planRun, type PlannedSettings, type RunPlan } from '../diffusion/runPlan';
import type { Row } from '../diffusion/types';
import { selectSites } from '../onnx/sites/layers';
import type { Site } from '../onnx/sites/sites';
import { EngineError } from '../protocol/errors';
import type {
  LongText,
  Pair,
  Pixels,
  RunProgressEvent,
  RunStats,
  Size,
  StartImage,
  StepTrace,
} from '../protocol/messages';
import type { Settings } from '../settings/fields';
import { elements, type DeviceTensor } from './backend';
import { checkpoint } from './checkpoint';
import { conditionRows, latentsOfRun, withoutSites, type DiffusionModel } from './diffusionModel';
import { SeedNoise } from './seedNoise';
import { readRows, traceStep } from './stepTrace';
import { assertFinite } from './vaeDecoder';
import { encodedStart, firstLatents, sameNoise } from './startLatents';
import { concatenated } from './concatenated';
import { bothOf, copied, skipNoise, stateOfFirst, type Parting, type WithoutPag } from './keptWithoutPag';

export interface RunHooks {
  readonly signal: AbortSignal;
  progress(phase: RunProgressEvent['phase'], step: number, secondsLeft: number | null): void;
  /** A pair a seed. */
  preview(step: number, pairs: readonly Pair[], size: Size): void;
  /** Absent: steps are not looked at, and nothing is read for it. */
  trace?(trace: StepTrace): void;
}

export interface RunResult {
  /** Of the first seed. */
  readonly pair: Pair;
  readonly pairs: readonly Pair[];
  /** Final latents of each image, in the plan's order, f32 [images, channels, height, width]. */
  readonly latents: Float32Array;
  /** Of all records, as if nothing had been made before. */
  readonly plan: RunPlan;
  readonly parting: Parting | null;
  readonly stats: RunStats;
}

/**
 * @param kept the image without PAG where an earlier run has made it: of the same model, and settings that differ in
 * PAG's alone. Only the other image is made then.
 * @param seeds how many images are made together, of the settings' seed and those that follow it.
 * @param startImage what the run starts from; from noise where null.
 * @throws EngineError, or AbortError where `hooks.signal` is aborted.
 */
export async function generate(
  model: DiffusionModel,
  settings: Settings,
  hooks: RunHooks,
  kept: WithoutPag | null = null,
  seeds = 1,
  startImage: StartImage | null = null,
): Promise<RunResult> {
  const started = performance.now();
  const { backend, unet } = model;
  const latentShape = latentsOfRun(model, settings);
  hooks.progress('prepare', 0, null);
  await checkpoint(hooks.signal);
  const sites = chosenSites(model, settings);
  const strengths = new Map(sites.map((site) => [site, settings.pag.siteIdentity[site.name] ?? settings.pag.identity]));
  const image = startImage && (await encodedStart(model, settings, startImage));
  const start = image && { strength: settings.strength, draws: image.deviation ? 1 : 0 };
  const planFor = (madeTo: number | null) =>
    planned(model, { ...settings, start }, [...strengths.values()], madeTo, seeds);
  const alone = planFor(0);
  const text = readText(model, settings, alone);
  const left = settings.compare && kept && isSameWithoutPag(kept.plan, alone) ? kept : null;
  if (left && alone.parting === alone.records.length) return bothOf(left, started, text);
  const from = left?.parting && left.parting.record <= alone.parting ? left.parting : null;
  const plan = left ? planFor(from?.record ?? 0) : planFor(null);
  let parting = from;
  // The prompt first: where memory is short its encoders are gone before the UNet is there.
  // Of the widest batch; contexts come in the same order in each.
  const widest = plan.records.find(({ base }) => base.length === plan.mostBase)?.base ?? [];
  const conditioning = await conditionRows(
    model,
    settings,
    widest.map((row) => row.context),
    hooks.signal,
  );
  const held = new Holder();
  try {
    const cutPlan = await unet.prepare(sites, hooks.signal, {
      latentShape,
      conditioning: conditioning.feeds,
      rows: plan.records.map(({ base, siteRows }) => ({ base: base.length, behindFork: siteRows.length })),
    });
    if (plan.steps > 1) await model.previews.prepare(hooks.signal);
    const shape = [plan.images, ...latentShape];
    const noise = new SeedNoise(settings, seeds);
    // Draws come in the plan's order, those of records that are made already too.
    const draw = (scale: number) => backend.upload('float32', shape, sameNoise(noise, shape, scale));
    const depths = [plan.historyLength, ...shape];
    const initial = backend.upload('float32', shape, from?.latents ?? firstLatents(plan, image, noise, shape));
    if (from) skipNoise(noise, alone, from.record, elements(latentShape));
    let latents = held.set('latents', initial);
    const before = from?.history ?? new Float32Array(elements(depths));
    let history = held.set('history', backend.upload('float32', depths, before));
    const begun = performance.now();
    // Read back while the next step runs; never more than one, so that the device is not asked for steps far ahead.
    let previewing: Promise<void> = Promise.resolve();
    let unshown = left?.picture ?? null;
    const show = (step: number, denoised: DeviceTensor) => {
      const shown = model.previews.of(denoised, hooks.signal).then(({ pictures, size }) => {
        hooks.preview(step, pairsOf([...(unshown ? [copied(unshown)] : []), ...pictures], seeds), size);
        unshown = null;
      });
      // Heard where it is awaited, which a step that fails does not come to.
      shown.catch(() => {});
      return shown;
    };
    let traced = -1;
    for (const [index, record] of plan.records.entries()) {
      const { base, coefficients, weights, siteRows, nonlinear, noiseDraw, nextStep } = record;
      const toGo = plan.records.length - index;
      hooks.progress(
        'denoise',
        coefficients.step,
        index === 0 ? null : ((performance.now() - begun) / 1000 / index) * toGo,
      );
      const at = plan.first + index;
      if (at > 0 && at === plan.parting && parting?.record !== at)
        parting = { record: at, ...(await stateOfFirst(backend, latents, history)) };
      const images = base.map((row) => row.image);
      const sample = await backend.modelInput(latents, images, coefficients.inputScale, unet.sampleType);
      let predictions: DeviceTensor;
      try {
        predictions = await unet.predict(
          cutPlan,
          {
            sample,
            timestep: coefficients.timestep,
            conditioning: conditioning.first(base.length),
            fork: siteRows,
            strengths,
          },
          hooks.signal,
        );
      } finally {
        sample.dispose();
      }
      held.set('predictions', predictions);
      const isTraced = hooks.trace !== undefined && coefficients.step > traced;
      const rows = isTraced ? await readRows(backend, predictions, latents) : null;
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
      const fresh = noiseDraw === null ? null : held.set('noise', draw(1));
      const next = await backend.guidedStep({ predictions, latents, history, noise: fresh, weights, coefficients });
      held.drop('predictions', 'noise');
      latents = held.set('latents', next.latents);
      history = held.set('history', next.history);
      const denoised = held.set('denoised', next.denoised);
      await previewing;
      if (rows) {
        traced = coefficients.step;
        hooks.trace?.(await traceStep(model, record, rows, denoised, hooks.signal));
      }
      if (nextStep === null) continue;
      previewing = show(nextStep, denoised);
      // Sessions run one at a time.
      if (model.previews.decodes) await previewing;
    }
    await previewing;
    hooks.progress('decode', plan.steps, null);
    const values = await backend.read(latents);
    assertFinite(values);
    const stepsMade = new Set(plan.records.map(({ coefficients }) => coefficients.step)).size;
    const stepMilliseconds = (performance.now() - begun) / stepsMade;
    const pictures = await decodeAll(model, latents, hooks.signal);
    const pairs = pairsOf(left ? [copied(left.picture), ...pictures] : pictures, seeds);
    const stats: RunStats = {
      seconds: (performance.now() - started) / 1000,
      unetRows: plan.rows,
      rowsBeforeFork: unet.fixedBatch === null ? plan.mostBase : plan.mostRows,
      rowsAfterFork: plan.mostRows,
      perturbedSites:
        settings.pagScale > 0 ? sites.filter((site) => (strengths.get(site) ?? 0) > 0).map((site) => site.name) : [],
      keptWithoutPag: left !== null,
      ...(text && { text }),
      ...(stepsMade > 0 && { stepMilliseconds }),
      ...(model.vaeDecoder.tiles > 1 && { tiles: model.vaeDecoder.tiles }),
    };
    return {
      pair: pairs[0]!,
      pairs,
      latents: left ? concatenated([left.latents, values]) : values,
      plan: alone,
      parting,
      stats,
    };
  } finally {
    conditioning.dispose();
    held.dispose();
  }
}

/**
 * Builds what a run with these settings needs, and runs it for a step, so that the run itself starts at once. A GPU
 * gets a step more: shaders are compiled for their sizes, and only from there on the rows are those of every further
 * step.
 */
export async function warmUp(model: DiffusionModel, settings: Settings, signal: AbortSignal): Promise<void> {
  const pagScale = model.unet.sites.length > 0 ? settings.pagScale : 0;
  await model.previews.prepare(signal);
  await generate(
    model,
    { ...settings, pagScale, steps: model.backend.kind === 'webgpu' ? 2 : 1, pag: PLAIN_PAG },
    { signal, progress: () => {}, preview: () => {} },
  );
}

/** Of the prompts that some row reads. */
function readText(model: DiffusionModel, settings: Settings, { records }: RunPlan): LongText | null {
  const { prompt, negativePrompt, emphasis } = settings;
  const isRead = (context: Row['context']) => records.some(({ base }) => base.some((row) => row.context === context));
  return model.prompts.extent([prompt, ...(isRead('uncond') ? [negativePrompt] : [])], emphasis);
}

/** The cut is the same whatever the PAG scale, so that scale 0 is bit-equal to CFG alone. */
function chosenSites(model: DiffusionModel, settings: Settings): Site[] {
  if (model.unet.sites.length === 0) {
    if (settings.pagScale === 0) return [];
    throw new EngineError('pag-impossible', withoutSites(model.unet.refused));
  }
  return selectSites(settings.layers, model.unet.sites);
}

function planned(
  model: DiffusionModel,
  settings: PlannedSettings,
  strengths: readonly number[],
  madeTo: number | null,
  seeds: number,
): RunPlan {
  const { guidanceEmbedded } = model.info;
  try {
    return planRun(settings, { scheduler: model.files.scheduler, guidanceEmbedded, strengths }, madeTo, seeds);
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

/** Every image of the latents, one after the other. */
async function decodeAll(
  { vaeDecoder }: DiffusionModel,
  latents: DeviceTensor,
  signal: AbortSignal,
): Promise<Pixels[]> {
  const pictures: Pixels[] = [];
  for (let image = 0; image < latents.dims[0]!; image += 1) {
    await checkpoint(signal);
    pictures.push(await vaeDecoder.decode(latents, image, signal));
  }
  return pictures;
}

/** Of pictures in the plan's order: those without PAG first, where there are any. */
function pairsOf(pictures: readonly Pixels[], seeds: number): Pair[] {
  const withPag = pictures.slice(-seeds);
  const without = pictures.slice(0, -seeds);
  return withPag.map((picture, seed) => ({ withoutPag: without[seed] ?? null, withPag: picture }));
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
