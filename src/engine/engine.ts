// The engine: one backend, one model, one run at a time. Loads lazily and again after a failure; a model whose
// files are here is not fetched twice. Errors leave it ready for the next request.

import { needsText, preflight, type Needs } from '../models/preflight';
import { EngineError, type EngineErrorCode } from '../protocol/errors';
import type { DeviceInfo, EngineEvent, FitRequest, GenerateRequest, LoadRequest, ModelRef, Settings } from '../protocol/messages';
import type { Backend } from './backend';
import { CpuBackend } from './cpuBackend';
import { cpuInfo } from './device';
import { closeModel, openModel, type DiffusionModel } from './diffusionModel';
import { generate, warmUp } from './generate';
import { machineMemoryGiB } from './memory';
import { openSource, readModelFiles, type ModelFiles } from './modelFiles';
import { rowsOfRun } from './modelNeeds';
import { openGpu } from './openGpu';
import { loadRuntime, type Ort } from './runtime';

type Emit = (event: EngineEvent) => void;
type BackendChoice = Settings['backend'];

/** All others accuse the settings, the device or the network, and leave the model as it is. */
const ACCUSES_FILES: ReadonlySet<EngineErrorCode> = new Set(['model-missing', 'model-invalid', 'session-build']);

export class Engine {
  private ort: Ort | null = null;
  private backend: { readonly choice: BackendChoice; readonly instance: Backend; readonly info: DeviceInfo } | null = null;
  private model: DiffusionModel | null = null;
  /** Rows at once for which the device was weighed last. */
  private weighedRows: number | null = null;
  private files: { readonly id: string; readonly files: ModelFiles } | null = null;

  constructor(private readonly emit: Emit) {}

  async load(request: LoadRequest, signal: AbortSignal): Promise<void> {
    const model = await this.ready(request.model, request.settings);
    await this.forgetIfAtFault(() => warmUp(model, request.settings, signal));
  }

  async generate(request: GenerateRequest, signal: AbortSignal): Promise<void> {
    const { runId, settings } = request;
    const { steps } = settings;
    const model = await this.ready(request.model, settings);
    const { pair, stats } = await this.forgetIfAtFault(() => generate(model, settings, {
      signal,
      progress: (phase, step, secondsLeft) => this.emit({ type: 'progress', runId, phase, step, steps, secondsLeft }),
      preview: (step, preview) => this.emit({ type: 'preview', runId, step, pair: preview }),
    }));
    this.emit({ type: 'done', runId, pair, stats });
  }

  fit({ prompt, negativePrompt }: FitRequest): void {
    const prompts = this.model?.prompts;
    if (!prompts) return;
    try {
      this.emit({ type: 'fit', prompt: prompts.fit(prompt), negativePrompt: prompts.fit(negativePrompt) });
    } catch {
      return; // a tokenizer that stumbles is said by the run, which has the means to
    }
  }

  /** The model on the wanted backend, fetched and built as far as that is still to do. */
  private async ready(ref: ModelRef, settings: Settings): Promise<DiffusionModel> {
    const { backend: choice } = settings;
    if (this.backend && this.backend.choice !== choice) await this.closeBackend();
    const { instance: backend, info } = this.backend ?? (await this.openBackend(choice));
    if (this.model?.info.id === ref.id) return this.weighedAgain(this.model, settings, info);
    await this.closeModel();
    if (this.files?.id !== ref.id) {
      this.files = null;
      const source = await openSource(ref, (what, loadedBytes, totalBytes) => this.emit({ type: 'loading', what, loadedBytes, totalBytes }));
      this.files = { id: ref.id, files: await readModelFiles(source.open, source.paths) };
    }
    this.emit({ type: 'loading', what: 'Preparing the model', loadedBytes: 0, totalBytes: null });
    const { files } = this.files;
    this.model = await this.forgetIfAtFault(() => openModel(backend, files, ref.id, {
      run: settings,
      weigh: (needs) => this.weigh(needs, ref.id, info),
      notice: (sentence) => this.notice(sentence),
    }));
    this.weighedRows = rowsOfRun(settings, this.model.info.guidanceEmbedded);
    this.emit({ type: 'model-ready', model: this.model.info });
    return this.model;
  }

  /** Settings that run more or fewer rows at once than those weighed last ask something else of the device. */
  private weighedAgain(model: DiffusionModel, settings: Settings, device: DeviceInfo): DiffusionModel {
    const rows = rowsOfRun(settings, model.info.guidanceEmbedded);
    if (rows === this.weighedRows) return model;
    this.weighedRows = null;
    this.weigh(model.needs(rows), model.info.id, device);
    this.weighedRows = rows;
    return model;
  }

  private notice(sentence: string): void {
    if (!this.model) return;
    const { info } = this.model;
    this.model = { ...this.model, info: { ...info, notices: [...info.notices, sentence] } };
    this.emit({ type: 'model-ready', model: this.model.info });
  }

  /** Says whether the device can hold the model, before anything is built. */
  private weigh(needs: Needs, modelId: string, device: DeviceInfo): void {
    const { level, reasons } = preflight(needs, { device, freeBytes: null, memoryGiB: machineMemoryGiB() });
    const figures = needsText(needs, device.f16);
    this.emit({ type: 'verdict', modelId, level, figures, reasons });
    if (level !== 'no') return;
    const [what, way] = device.backend === 'webgpu'
      ? ['This GPU cannot hold the model.', 'Use the CPU instead, or choose another model.']
      : ['The CPU cannot hold the model.', 'Choose a smaller model, or a browser with WebGPU.'];
    throw new EngineError('does-not-fit', [what, reasons[0], way].join(' '), [figures, ...reasons].join('\n'));
  }

  /** Where the files are what failed, or may be, the next try fetches and builds them anew. */
  private async forgetIfAtFault<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof EngineError && ACCUSES_FILES.has(error.code)) {
        this.files = null;
        await this.closeModel();
      }
      throw error;
    }
  }

  private async openBackend(choice: BackendChoice): Promise<{ readonly instance: Backend; readonly info: DeviceInfo }> {
    this.ort ??= await loadRuntime();
    const opened = choice === 'wasm' ? null : await openGpu(this.ort);
    const { instance, info } = opened === null || typeof opened === 'string' ? { instance: new CpuBackend(this.ort), info: cpuInfo(opened) } : opened;
    this.backend = { choice, instance, info };
    this.emit({ type: 'device', device: info });
    return this.backend;
  }

  private async closeModel(): Promise<void> {
    const model = this.model;
    this.model = null;
    if (model) await closeModel(model);
  }

  private async closeBackend(): Promise<void> {
    await this.closeModel();
    await this.backend?.instance.dispose();
    this.backend = null;
  }
}

