// The engine: one backend, one model, one run at a time. Loads lazily and again after a failure; a model whose
// files are here is not fetched twice. Errors leave it ready for the next request.

import { stepsRun } from '../diffusion/runPlan';
import { PROMPT_TOKENS, needsText, preflight, refusalText, type Capacity, type Needs } from '../models/preflight';
import { EngineError, type EngineErrorCode } from '../protocol/errors';
import type { BusyEvent, EngineEvent, VerdictEvent } from '../protocol/events';
import type { DeviceInfo } from '../protocol/loaded';
import type { ModelRef } from '../protocol/modelRefs';
import type { Pair, Pixels } from '../protocol/pictureData';
import type {
  AddedFiles,
  DecodeRequest,
  FitRequest,
  GenerateRequest,
  LoadRequest,
  WeighRequest,
} from '../protocol/requests';
import type { StepTrace } from '../protocol/runSteps';
import type { Settings } from '../settings/fields';
import { beyondPlan } from '../settings/beyondPlan';
import { float16ToFloat32 } from '../kernels/float16';
import { elements, type Backend } from './backend';
import { Busy } from './busy';
import { checkpointFiles } from './checkpointFiles';
import { contextOfRun } from './contextOfRun';
import { CpuBackend } from './cpuBackend';
import { cpuInfo } from './device';
import { closeModel, latentsOfRun, openModel, type DiffusionModel, type RunTexts } from './diffusionModel';
import { generate, warmUp } from './generate';
import { GpuWaits } from './gpuWaits';
import { LoadTally } from './loadTally';
import { machineMemoryGiB } from './memory';
import { mergeLoras } from './mergeLoras';
import { fileGone, openSource, readModelFiles, type ModelFiles, type Watched } from './modelFiles';
import { rowsOfRun } from './modelNeeds';
import { openGpu } from './openGpu';
import { storedUnet, withUnet } from './replacedUnet';
import { withVae } from './replacedVae';
import { loadRuntime, runtimeBytes, type Ort } from './runtime';
import { generateSeveral, type SeveralHooks } from './several';
import { SharedWork } from './sharedWork';
import { withEmbeddings } from './withEmbeddings';
import { KeptRuns, leftOf } from './keptRuns';
import { trajectoriesOf } from './leftRun';

type Emit = (event: EngineEvent | BusyEvent) => void;
type BackendChoice = Settings['backend'];

type ModelNeeds = DiffusionModel['needs'];
type ReadFiles = (load: Watched) => Promise<ModelFiles>;

/** All others accuse the settings, the device or the network, and leave the model as it is. */
const ACCUSES_FILES: ReadonlySet<EngineErrorCode> = new Set(['model-missing', 'model-invalid', 'session-build']);

export class Engine {
  private ort: Ort | null = null;
  private backend: { readonly choice: BackendChoice; readonly instance: Backend; readonly info: DeviceInfo } | null =
    null;
  private model: DiffusionModel | null = null;
  /** What the last runs have left, and what they were made of beside the model and their plans. */
  private kept: { readonly of: string; readonly runs: KeptRuns } | null = null;
  /** Rows at once, their size and the tokens of their contexts for which the device was weighed last. */
  private weighed: string | null = null;
  private source: { readonly id: string; readonly read: ReadFiles; files: ModelFiles | null } | null = null;
  private opening: SharedWork<DiffusionModel> | null = null;

  private readonly busy: Busy;
  private readonly waits: GpuWaits;

  constructor(private readonly emit: Emit) {
    this.busy = new Busy(emit);
    this.waits = new GpuWaits((waiting) => emit({ type: 'waiting', waiting }));
  }

  async load(request: LoadRequest, signal: AbortSignal): Promise<void> {
    const model = await this.withFiles(await this.ready(request.model, request.settings, signal), request);
    await this.forgetIfAtFault(() => warmUp(model, request.settings, signal));
  }

  async generate(request: GenerateRequest, signal: AbortSignal): Promise<void> {
    const { runId, settings } = request;
    const { start = null } = request;
    const steps = stepsRun(settings.steps, start && settings);
    const model = await this.withFiles(await this.ready(request.model, settings, signal), request);
    const added = [request.loras?.map(({ id, weight }) => [id, weight]), request.embeddings?.map(({ id }) => id)];
    const madeOf = (own: Settings) => JSON.stringify([beyondPlan(own), start?.hash, start?.mask?.hash, ...added]);
    const of = madeOf(settings);
    const hooks: Omit<SeveralHooks, 'finished'> = {
      signal,
      progress: (phase, step, secondsLeft, images) =>
        this.emit({ type: 'progress', runId, phase, step, steps, secondsLeft, ...(images && { images }) }),
      preview: (step, pairs, size, image = 0) =>
        this.emit({ type: 'preview', runId, step, ...split(pairs), size, ...(image > 0 && { image }) }),
    };
    if (settings.images > 1) {
      const finished: SeveralHooks['finished'] = (image, pair, stats) =>
        this.emit({ type: 'image', runId, image, pair, stats });
      const stats = await this.forgetIfAtFault(() =>
        generateSeveral(model, settings, { ...hooks, finished }, this.capacity(this.backend!.info), start),
      );
      this.emit({ type: 'done', runId, stats });
      return;
    }
    const kept = this.kept?.of === of ? this.kept.runs : new KeptRuns();
    const trace = (step: StepTrace) => this.emit({ type: 'trace', runId, trace: step });
    const { left } = request;
    if (left && !start && madeOf(left.settings) === of) kept.add(trajectoriesOf(model, left));
    const options = { kept, anew: request.anew === true, start };
    const result = await this.forgetIfAtFault(() => generate(model, settings, { ...hooks, trace }, options));
    kept.add(result.made);
    this.kept = { of, runs: kept };
    const small = leftOf(result.made);
    this.emit({ type: 'done', runId, pair: result.pair, ...(small && { left: small }), stats: result.stats });
  }

  /** @throws EngineError where another model is loaded, or latents are not of it; as decoding does. */
  async decode({ modelId, latents: { dims, halves } }: DecodeRequest, signal: AbortSignal): Promise<Pixels> {
    signal.throwIfAborted();
    const { model } = this;
    const isOfModel = model?.info.id === modelId && dims[0] === model.info.latentShape[0];
    if (!model || !isOfModel || halves.length !== elements(dims))
      throw new EngineError('model-missing', 'The model that made this step is not the one that is loaded.');
    const tensor = model.backend.upload('float32', [1, ...dims], float16ToFloat32(halves));
    try {
      return await model.vaeDecoder.decode(tensor, 0, signal);
    } finally {
      tensor.dispose();
    }
  }

  fit({ prompt, negativePrompt, emphasis }: FitRequest): void {
    const prompts = this.model?.prompts;
    if (!prompts) return;
    try {
      const [positive, negative] = [prompts.fit(prompt, emphasis), prompts.fit(negativePrompt, emphasis)];
      this.emit({ type: 'fit', emphasis, prompt: positive, negativePrompt: negative });
    } catch {
      return; // a tokenizer that stumbles is said by the run, which has the means to
    }
  }

  weigh({ settings }: WeighRequest): void {
    if (!this.model || !this.backend) return;
    const { info, needs, costs } = this.model;
    this.verdict(info.id, settings, needs, this.backend.info);
    this.emit({ type: 'costs', modelId: info.id, costs: costs(settings) });
  }

  /** The model on the wanted backend; what another request has begun of it goes on. */
  private async ready(ref: ModelRef, settings: Settings, signal: AbortSignal): Promise<DiffusionModel> {
    const key = JSON.stringify([ref.id, settings.backend]);
    if (this.opening && this.opening.key !== key) await this.opening.end();
    if (!this.opening) {
      signal.throwIfAborted();
      if (this.model?.info.id === ref.id && this.backend?.choice === settings.backend)
        return this.weighedAgain(this.model, settings, this.backend.info);
      this.opening = new SharedWork(
        key,
        (ended) => this.open(ref, settings, ended),
        () => {
          this.opening = null;
        },
      );
    }
    const model = await this.opening.wait(signal);
    return this.backend ? this.weighedAgain(model, settings, this.backend.info) : model;
  }

  /** The model with the request's LoRA in its weights and embeddings in its words, and with no other. */
  private async withFiles(model: DiffusionModel, { loras = [], embeddings = [] }: AddedFiles): Promise<DiffusionModel> {
    const merged = await mergeLoras(model, loras);
    if (merged !== model) this.model = merged;
    const whole = await withEmbeddings(merged, embeddings);
    if (whole === model) return model;
    this.model = whole;
    this.emit({ type: 'model-ready', model: whole.info });
    return whole;
  }

  /** Fetches and builds what is still to do. */
  private async open(ref: ModelRef, settings: Settings, signal: AbortSignal): Promise<DiffusionModel> {
    const tally = new LoadTally(this.emit);
    if (!this.ort) tally.expect(runtimeBytes());
    if (ref.kind === 'url' && this.source?.id !== ref.id) tally.expect(ref.bytes);
    const { instance: backend, info } = await this.openBackend(settings.backend, signal, tally);
    await this.closeModel();
    const files = await this.readFiles(ref, { signal, tally });
    tally.tell('Preparing the model');
    this.model = await this.forgetIfAtFault(() =>
      openModel(backend, files, ref.id, {
        run: settings,
        weigh: (needs) => this.refuse(ref.id, settings, needs, info),
        notice: (sentence) => this.notice(sentence),
        signal,
      }),
    );
    this.weighed = extentOf(this.model, settings, PROMPT_TOKENS);
    this.emit({ type: 'model-ready', model: this.model.info });
    return this.model;
  }

  /** Of a model whose files are here none is fetched twice. */
  private async readFiles(ref: ModelRef, load: Watched): Promise<ModelFiles> {
    load.tally.tell('Loading the model');
    if (this.source?.id !== ref.id) this.source = { id: ref.id, read: await reader(ref), files: null };
    const source = this.source;
    source.files ??= await this.forgetIfAtFault(() => source.read(load));
    return source.files;
  }

  /** Settings that run more or fewer rows at once than those weighed last, or larger ones, ask something else. */
  private weighedAgain(model: DiffusionModel, settings: Settings, device: DeviceInfo): DiffusionModel {
    const contextTokens = contextOfRun(model, settings);
    const extent = extentOf(model, settings, contextTokens);
    if (extent === this.weighed) return model;
    this.weighed = null;
    this.refuse(model.info.id, { ...settings, contextTokens }, model.needs, device);
    this.weighed = extent;
    return model;
  }

  private notice(sentence: string): void {
    if (!this.model) return;
    const { info } = this.model;
    this.model = { ...this.model, info: { ...info, notices: [...info.notices, sentence] } };
    this.emit({ type: 'model-ready', model: this.model.info });
  }

  /** Says whether the device can hold a run. */
  private verdict(modelId: string, run: RunTexts, needs: ModelNeeds, device: DeviceInfo): VerdictEvent {
    const verdictOn = (asked: Needs) => preflight(asked, this.capacity(device));
    const asked = needs(run);
    const { level, reasons } = verdictOn(asked);
    const ofSize = level !== 'fits' && verdictOn(needs({ ...run, width: 1, height: 1 })).level !== level;
    const figures = needsText(asked, device);
    const event = { type: 'verdict', modelId, level, figures, reasons, ofSize } as const;
    this.emit(event);
    return event;
  }

  private capacity(device: DeviceInfo): Capacity {
    return { device, freeBytes: null, memoryGiB: machineMemoryGiB() };
  }

  /** Throws where the device cannot hold a run, before anything is built for it. */
  private refuse(...asked: Parameters<Engine['verdict']>): void {
    const { level, reasons, figures, ofSize } = this.verdict(...asked);
    if (level !== 'no') return;
    const why = refusalText(reasons[0] ?? '', asked[3].backend, ofSize);
    throw new EngineError('does-not-fit', why, [figures, ...reasons].join('\n'));
  }

  /** Where the files are what failed, or may be, the next try fetches and builds them anew. */
  private async forgetIfAtFault<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      const error = fileGone(cause) ?? cause;
      if (error instanceof EngineError && ACCUSES_FILES.has(error.code)) {
        this.source = null;
        await this.closeModel();
      }
      throw error;
    }
  }

  private async openBackend(
    choice: BackendChoice,
    signal: AbortSignal,
    tally: LoadTally,
  ): Promise<{ readonly instance: Backend; readonly info: DeviceInfo }> {
    if (this.backend?.choice === choice) return this.backend;
    await this.closeBackend();
    this.ort ??= this.busy.runtime(await loadRuntime(signal, tally));
    const opened = choice === 'wasm' ? null : await openGpu(this.ort, this.waits);
    const { instance, info } =
      opened === null || typeof opened === 'string'
        ? { instance: this.busy.backend(new CpuBackend(this.ort)), info: cpuInfo(opened) }
        : opened;
    this.backend = { choice, instance, info };
    this.emit({ type: 'device', device: info });
    return this.backend;
  }

  private async closeModel(): Promise<void> {
    const model = this.model;
    this.model = null;
    this.kept = null;
    if (model) await closeModel(model);
  }

  private async closeBackend(): Promise<void> {
    await this.closeModel();
    await this.backend?.instance.dispose();
    this.backend = null;
  }
}

/** As events have them. */
function split([pair, ...further]: readonly Pair[]): { pair: Pair; further?: readonly Pair[] } {
  return { pair: pair!, ...(further.length > 0 && { further }) };
}

/** What a run with these settings has at once: runs of the same ask the same of the device. */
function extentOf(model: DiffusionModel, settings: Settings, contextTokens: number): string {
  const rows = rowsOfRun(settings, model.info.guidanceEmbedded);
  return JSON.stringify([rows, latentsOfRun(model, settings), contextTokens]);
}

/** What was fetched once stays with it. */
async function reader({ unet, vae, ...ref }: ModelRef): Promise<ReadFiles> {
  const read = await ownReader(ref);
  return async (load) => {
    const own = await read(load);
    const files = unet ? await withUnet(own, unet instanceof File ? unet : await storedUnet(unet)) : own;
    return vae ? withVae(files, vae) : files;
  };
}

async function ownReader(ref: ModelRef): Promise<ReadFiles> {
  if (ref.kind === 'file') return (load) => checkpointFiles(ref, load);
  const { open, paths } = await openSource(ref);
  const checkpoint = paths?.checkpoint;
  if (checkpoint !== undefined && ref.kind === 'opfs')
    return async (load) =>
      checkpointFiles({ file: new File([await open(checkpoint, load)], checkpoint), clipUrl: ref.clipUrl }, load);
  return (load) => readModelFiles(open, paths, load);
}
