// One run, from settings to a pair of pictures. Both images of a comparison start from the same noise and are
// rows of the same batch; latents stay on the device, and what is kept and shown of a step is read back at once.

import { PLAIN_PAG } from '../diffusion/options';
import { stepsOfImage } from '../diffusion/imageSteps';
import type { Made, RunPlan } from '../diffusion/runPlan';
import type { Row } from '../diffusion/types';
import type { LongText, RunProgressEvent, RunStats } from '../protocol/events';
import type { Pair, Pixels, Size, StartImage } from '../protocol/pictureData';
import type { StepTrace } from '../protocol/runSteps';
import type { Settings } from '../settings/fields';
import { elements, type DeviceTensor } from './backend';
import { phasesOf } from '../settings/earlierSteps';
import { checkpoint, unlessAborted } from './checkpoint';
import type { Conditioning } from './conditioning';
import { decodedSeeds } from './decodedSeeds';
import { latentsOfRun, type DiffusionModel } from './diffusionModel';
import { SeedNoise } from './seedNoise';
import { firstLatents, sameNoise, startOf } from './startLatents';
import { CLEAN, KnownRest } from './knownRest';
import { concatenated } from './concatenated';
import { copied, joinedStates, skipNoise, type Beginning, type KeptRuns, type Trajectory } from './keptRuns';
import type { Preview } from './previews';
import { readBack } from './readBack';
import { allThere, stepsBefore, whatIsThere } from './reuse';
import { RunLog } from './runLog';
import { conditioningOf, kindsOf, planned, runPhase, wordsOf, type RunPhase } from './runPhases';

export interface RunHooks {
  readonly signal: AbortSignal;
  progress(phase: RunProgressEvent['phase'], step: number, secondsLeft: number | null): void;
  /** A pair a seed. */
  preview(step: number, pairs: readonly Pair[], size: Size): void;
  /** What each step came to, of a run of one seed. */
  trace?(trace: StepTrace): void;
  /** The pair of a seed, from 0, as soon as it is decoded: it may hand the pixels over. */
  finished?(seed: number, pair: Pair, stats: RunStats): void;
}

export interface RunResult {
  /** Of the first seed. */
  readonly pair: Pair;
  /** A pair a seed. */
  readonly pairs: readonly Pair[];
  /** Final latents of each image, in the plan's order, f32 [images, channels, height, width]. */
  readonly latents: Float32Array;
  /** Of all records, as if nothing had been made before. */
  readonly plan: RunPlan;
  /** For the runs that follow; none of a run of several seeds. */
  readonly made: readonly Trajectory[];
  readonly stats: RunStats;
}

export interface RunOptions {
  /** What earlier runs have left: of the same model, and settings that are the same beyond their plans. */
  readonly kept?: KeptRuns | null;
  /** Asked for as it is: the image with PAG is made though the very same one is kept. */
  readonly anew?: boolean;
  /** How many images are made together, of the settings' seed and those that follow it. */
  readonly seeds?: number;
  /** What the run starts from; from noise where null. */
  readonly start?: StartImage | null;
}

/**
 * @throws EngineError, or AbortError where `hooks.signal` is aborted; of several seeds some may be finished by then,
 * and where numbers are not finite all but those whose they are.
 */
export async function generate(
  model: DiffusionModel,
  settings: Settings,
  hooks: RunHooks,
  { kept = null, anew = true, seeds = 1, start: startImage = null }: RunOptions = {},
): Promise<RunResult> {
  const started = performance.now();
  const { backend, unet } = model;
  const latentShape = latentsOfRun(model, settings);
  hooks.progress('prepare', 0, null);
  await checkpoint(hooks.signal);
  const phases = phasesOf(settings).map((held) => runPhase(model, settings, held));
  const start = await startOf(model, settings, startImage);
  const planFor = (made: Made | null) =>
    planned(model, { ...settings, start: start?.planned ?? null }, phases, made, seeds);
  const alone = planFor(null);
  const text = readText(model, phases, alone);
  const kinds = kindsOf(settings);
  const steps = kinds.map((_, at) => stepsOfImage(alone, at * seeds, settings.pag, wordsOf(model, phases)));
  const { there, from } = whatIsThere(kept, { kinds, steps, anew });
  const [left] = there;
  const perturbedSites = perturbedIn(settings, phases.at(-1)!);
  const run = { colours: model.previews.colours, part: start?.canvas?.part ?? null };
  if (there.length === kinds.length) return allThere(there, alone, { started, text, perturbedSites, run }, hooks);
  const record = from[0]!.record;
  const plan = planFor({ record, withoutPag: there.length > 0 });
  // The prompts first: where memory is short their encoders are gone before the UNet is there.
  const conditionings = new Map<number, Conditioning>();
  const held = new Holder();
  let rest: KnownRest | null = null;
  try {
    for (const phase of new Set(plan.records.map((one) => one.phase)))
      conditionings.set(phase, await conditioningOf(model, settings, phases[phase]!, plan, phase, hooks.signal));
    if (plan.steps > 1) await model.previews.prepare(hooks.signal);
    const shape = [plan.images, ...latentShape];
    const noise = new SeedNoise(settings, seeds);
    // Draws come in the plan's order, those of records that are made already too.
    const draw = () => backend.upload('float32', shape, sameNoise(noise, shape));
    const depths = [plan.historyLength, ...shape];
    const states = from.flatMap(({ state }) => state ?? []);
    const before = states.length > 0 ? joinedStates(states, plan.historyLength) : null;
    const first = firstLatents(plan, start, noise, latentShape);
    rest = new KnownRest(backend, first, start?.mask ?? null, shape);
    const initial = backend.upload('float32', shape, before?.latents ?? first.latents);
    if (before) skipNoise(noise, alone, record, elements(latentShape));
    let latents = held.set('latents', initial);
    const history0 = before?.history ?? new Float32Array(elements(depths));
    let history = held.set('history', backend.upload('float32', depths, history0));
    const log =
      seeds > 1
        ? null
        : new RunLog(alone, {
            images: plan.images,
            latentShape,
            before: stepsBefore(alone, record, from),
            left: left ?? null,
            run: { ...run, colours: model.previews.colours },
            tell: (trace) => hooks.trace?.(trace),
          });
    const begun = performance.now();
    // Read back while the next step runs; never more than one, so that the device is not asked for steps far ahead.
    let previewing: Promise<unknown> = Promise.resolve();
    let unshown = left?.picture ?? null;
    const place = (picture: Pixels) => start?.canvas?.shown(picture) ?? picture;
    const show = (step: number, { pictures, size }: Preview) => {
      const pairs = pairsOf([...(unshown ? [copied(unshown)] : []), ...pictures.map(place)], seeds);
      hooks.preview(step, pairs, start?.canvas?.size ?? size);
      unshown = null;
    };
    let cut = null as CutOfPhase | null;
    for (const [index, planned] of plan.records.entries()) {
      const { base, coefficients, weights, siteRows, nonlinear, known, noiseDraw, nextStep, phase } = planned;
      const { sites, strengths } = phases[phase]!;
      const conditioning = conditionings.get(phase)!;
      if (cut?.phase !== phase) {
        const ofPhase = plan.records.filter((one) => one.phase === phase);
        const rows = ofPhase.map((one) => ({ base: one.base.length, behindFork: one.siteRows.length }));
        const sizes = { latentShape, conditioning: conditioning.feeds, rows };
        cut = { phase, plan: await unet.prepare(sites, hooks.signal, sizes) };
      }
      const toGo = plan.records.length - index;
      hooks.progress(
        'denoise',
        coefficients.step,
        index === 0 ? null : ((performance.now() - begun) / 1000 / index) * toGo,
      );
      const images = base.map((row) => row.image);
      const sample = await backend.modelInput(
        latents,
        images,
        coefficients.inputScale,
        unet.sampleType,
        0,
        rest.beside,
      );
      let predictions: DeviceTensor;
      try {
        predictions = await unet.predict(
          cut.plan,
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
      const rows = held.set('predictions', predictions);
      if (nonlinear) {
        predictions = held.set(
          'combined',
          await backend.rescaledGuidance({
            predictions,
            latents,
            images: nonlinear,
            guidance: settings.pag,
            denoised: coefficients.denoised,
          }),
        );
      }
      const fresh = noiseDraw === null ? null : held.set('noise', draw());
      const next = await backend.guidedStep({ predictions, latents, history, noise: fresh, weights, coefficients });
      let denoised = held.set('denoised', next.denoised);
      const nextLatents = held.set('next latents', next.latents);
      held.set('next history', next.history);
      if (known) held.set('next latents', await rest.around(nextLatents, known));
      await unlessAborted(hooks.signal, previewing);
      const at = plan.first + index;
      const asked = log?.reads(at, index === 0, planned) ?? NOTHING;
      const { decodes } = model.previews;
      if (known && (asked.denoised || nextStep !== null))
        denoised = held.set('denoised', await rest.around(denoised, CLEAN));
      const isShown = nextStep !== null && !decodes;
      previewing = readBack(
        backend,
        { predictions: rows, latents, history, denoised },
        { ...asked, denoised: asked.denoised || isShown },
      ).then(async (read) => {
        log?.take(at, index === 0, planned, read);
        if (nextStep === null) return;
        show(
          nextStep,
          decodes
            ? await model.previews.of(denoised, hooks.signal)
            : model.previews.coloured(read.denoised!, [plan.images, ...latentShape]),
        );
      });
      // Heard where it is awaited, which a step that fails does not come to.
      previewing.catch(() => {});
      held.drop('predictions', 'combined', 'noise');
      latents = held.move('next latents', 'latents');
      history = held.move('next history', 'history');
      // Sessions run one at a time.
      if (decodes) await unlessAborted(hooks.signal, previewing);
    }
    await unlessAborted(hooks.signal, previewing);
    hooks.progress('decode', plan.steps, null);
    const values = await unlessAborted(hooks.signal, backend.read(latents));
    const stepsMade = new Set(plan.records.map(({ coefficients }) => coefficients.step)).size;
    const stepMilliseconds = (performance.now() - begun) / stepsMade;
    const statsNow = (): RunStats => ({
      seconds: (performance.now() - started) / 1000,
      unetRows: plan.rows,
      rowsBeforeFork: unet.fixedBatch === null ? plan.mostBase : plan.mostRows,
      rowsAfterFork: plan.mostRows,
      perturbedSites,
      keptWithoutPag: there.length > 0,
      ...(text && { text }),
      ...(stepsMade > 0 && { stepMilliseconds }),
      ...(record > 0 && { keptSteps: plan.records[0]?.coefficients.step ?? plan.steps }),
      ...(model.vaeDecoder.tiles > 1 && { tiles: model.vaeDecoder.tiles }),
    });
    const pairs: Pair[] = [];
    for await (const { seed, pictures } of decodedSeeds(model, latents, values, seeds, hooks.signal)) {
      const finished = pictures.map((one) => start?.canvas?.finished(one, settings.keepRest) ?? one);
      const pair = pairsOf(left ? [copied(left.picture), ...finished] : finished, 1)[0]!;
      pairs.push(pair);
      hooks.finished?.(seed, pair, statsNow());
    }
    const size = elements(latentShape);
    const [pair] = pairs as [Pair];
    const made = (beginning: Beginning, at: number): Trajectory => ({
      of: kinds[there.length + at]!,
      steps: steps[there.length + at]!,
      states: [...(beginning.of?.states.filter((state) => state.record <= record) ?? []), ...(log?.statesOf(at) ?? [])],
      latents: values.slice(at * size, (at + 1) * size),
      picture: copied(pair[kinds[there.length + at]!]!),
      traces: log?.stepsOf(at) ?? [],
    });
    return {
      pair,
      pairs,
      latents: left ? concatenated([left.latents, values]) : values,
      plan: alone,
      made: seeds === 1 ? [...there, ...from.map(made)] : [],
      stats: statsNow(),
    };
  } finally {
    for (const conditioning of conditionings.values()) conditioning.dispose();
    rest?.dispose();
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

/** Of several seeds nothing is kept. */
const NOTHING = { predictions: false, latents: false, history: false, denoised: false };

interface CutOfPhase {
  readonly phase: number;
  readonly plan: Awaited<ReturnType<DiffusionModel['unet']['prepare']>>;
}

/** By their names. */
function perturbedIn({ pagScale }: Settings, { sites, strengths }: RunPhase): readonly string[] {
  return pagScale > 0 ? sites.filter((site) => (strengths.get(site) ?? 0) > 0).map(({ name }) => name) : [];
}

/** Of the prompts that some row reads. */
function readText(model: DiffusionModel, phases: readonly RunPhase[], { records }: RunPlan): LongText | null {
  const read = phases.flatMap(({ held }, phase) => {
    const rows = records.filter((record) => record.phase === phase).flatMap(({ base }) => base);
    const isRead = (context: Row['context']) => rows.some((row) => row.context === context);
    return [...(isRead('cond') ? [held.prompt] : []), ...(isRead('uncond') ? [held.negativePrompt] : [])];
  });
  return model.prompts.extent(read, phases[0]!.emphasis);
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

  /** Under another name, of which it takes the place. */
  move(from: string, to: string): DeviceTensor {
    const tensor = this.tensors.get(from)!;
    this.tensors.delete(from);
    return this.set(to, tensor);
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
