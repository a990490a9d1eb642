// The UNet in segments, cut at the sites that are perturbed: recorded ones where the device lets it, ordinary sessions
// where not. Sessions are kept by what they compute, so another layer set builds only the segments that changed.

import type { UnetConfig } from '../configs/schemas';
import { PROMPT_TOKENS } from '../models/preflight';
import type { Refusal } from '../onnx/sites/matchAttention';
import { siteCosts, type SiteCost } from '../onnx/sites/cost';
import { cut, type Segment } from '../onnx/segments/cut';
import { surveySites, type Site } from '../onnx/sites/sites';
import type { ValueInfo } from '../onnx/file/model';
import type { Backend, DeviceTensor, ElemType, Session } from './backend';
import type { CapturedForward } from './capturedForward';
import { CapturedSegments, rowsKey, type RunSizes } from './capturedSegments';
import { NotCapturable, elemType, type OnnxFile } from './onnxFile';
import { NEVER, checkpoint } from './checkpoint';
import { Forward, type ForwardGraph, type UnetInput } from './forward';
import { besideChannels, type LatentShape } from './latentShape';
import { WrongReplay } from './replayProof';
import { unetInputs, type UnetInputs } from './unetInputs';

interface CutPlan {
  /** null where all segments are recorded. */
  forward: Forward | null;
  /** By their rows; null where nothing is recorded. */
  captured: ReadonlyMap<string, CapturedForward> | null;
}

export class Unet {
  readonly sites: readonly Site[];
  /** Attentions that are in the graph and cannot be taken out, by reason. */
  readonly refused: ReadonlyMap<Refusal, number>;
  readonly sampleType: ElemType;
  readonly inputs: UnetInputs;
  /** Channels of its sample behind those of the latents: a mask and a masked image, for inpainting. */
  readonly besideChannels: number;
  /** How many rows the graph takes at once, where its exporter fixed that for good; null where any number. */
  readonly fixedBatch: number | null;
  /** The graph that runs: freed of a fixed batch where that could be. */
  readonly file: OnnxFile;
  private readonly graph: ForwardGraph;
  private readonly sessions = new Map<string, Session>();
  /** null where the device or the graph does not let itself be recorded. */
  private captured: CapturedSegments | null;
  /** Segments of which a replay was held to an ordinary run. */
  private readonly proved = new Set<string>();

  /**
   * @param config of which `time_cond_proj_dim` is the guidance's width, and `in_channels` tells of further channels.
   * @param onWrongReplay told once where the device does not replay what it has recorded.
   * @throws EngineError `model-invalid` for a graph that is no UNet of a known kind.
   */
  constructor(
    private readonly backend: Backend,
    opened: OnnxFile,
    config: Pick<UnetConfig, 'time_cond_proj_dim' | 'in_channels'>,
    private onWrongReplay: () => void = () => {},
  ) {
    const { file, holdsRows } = opened.withFreeBatch();
    this.file = file;
    const { sites, refused } = surveySites(file.graph, (headDim) => backend.takesHeadDim(headDim));
    this.sites = sites;
    this.refused = refused;
    this.inputs = unetInputs(file.graph.model, config.time_cond_proj_dim ?? null);
    this.besideChannels = besideChannels(this.inputs.sample, config);
    const batch = this.inputs.sample.dims?.[0];
    this.fixedBatch = typeof batch === 'number' ? batch : null;
    this.sampleType = elemType(this.inputs.sample);
    const { sample, timestep } = this.inputs;
    this.graph = {
      sample: sample.name,
      timestep: timestep.name,
      output: predictionOf(file.outputs)?.name ?? '',
      holdsRows,
      timestepType: elemType(timestep),
      timestepDims: timestepDims(this.inputs),
    };
    const { capturing } = backend;
    this.captured =
      capturing && this.fixedBatch === null ? new CapturedSegments(backend, capturing, file, this.graph) : null;
  }

  /** The prediction's name. */
  get output(): string {
    return this.graph.output;
  }

  /** What each site costs with one row of latents of this shape. */
  costs(latentShape: LatentShape): SiteCost[] {
    return siteCosts(this.file.graph, this.sites, this.inputDims(latentShape, 1));
  }

  /** Tokens of the context, where its exporter fixed them; null where any number. */
  get fixedContext(): number | null {
    const tokens = this.inputs.context.dims?.[1];
    return typeof tokens === 'number' ? tokens : null;
  }

  /** Sizes of the graph's inputs, by name, with so many rows of latents of this shape. */
  inputDims(
    latentShape: LatentShape,
    rows: number,
    contextTokens: number = PROMPT_TOKENS,
  ): Map<string, readonly number[]> {
    const { sample, context } = this.inputs;
    // All but the timestep, which may be one for all rows, have an axis of rows, whatever its name.
    const size = (dim: number | string, isRows: boolean) =>
      typeof dim === 'number' ? dim : isRows || (dim !== '' && dim === sample.dims?.[0]) ? rows : 1;
    const sizes = new Map<string, readonly number[]>(
      this.file.inputs.map(({ name, dims }) => [
        name,
        (dims ?? []).map((dim, axis, { length }) => size(dim, axis === 0 && length > 1)),
      ]),
    );
    sizes.set(sample.name, [rows, ...this.sampleShape(latentShape)]);
    return sizes.set(context.name, [rows, wholeOr(context.dims?.[1], contextTokens), wholeOr(context.dims?.[2], 1)]);
  }

  /** Of a row. */
  private sampleShape([channels, height, width]: LatentShape): LatentShape {
    return [channels + this.besideChannels, height, width];
  }

  /**
   * Builds the sessions that a cut at `sites` needs and lets go of those that it does not. With the sizes of a run they
   * are made for these and recorded, where that can be.
   * Throws AbortError between two of them.
   */
  async prepare(sites: readonly Site[], signal: AbortSignal = NEVER, sizes: RunSizes | null = null): Promise<CutPlan> {
    const segments = cut(this.file.graph, sites);
    const captured = await this.record(segments, sizes, signal);
    return { captured, forward: captured ? null : await this.build(segments, signal) };
  }

  /** null where the run goes unrecorded. Whichever way it goes, the other one's sessions are gone. */
  private async record(
    segments: readonly Segment[],
    sizes: RunSizes | null,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, CapturedForward> | null> {
    if (!this.captured) return null;
    const keys = segments.map((segment) => this.segmentKey(segment));
    const own = sizes && { ...sizes, latentShape: this.sampleShape(sizes.latentShape) };
    const forwards = own && (await this.captured.forwards(segments, keys, own, signal));
    if (!forwards) await this.captured.dispose();
    else await this.disposeSessions(new Set());
    return forwards;
  }

  private async build(segments: readonly Segment[], signal: AbortSignal): Promise<Forward> {
    const keys = segments.map((segment) => this.segmentKey(segment));
    await this.disposeSessions(new Set(keys));
    const sessions: Session[] = [];
    for (const [index, segment] of segments.entries()) {
      const key = keys[index]!;
      await checkpoint(signal);
      const session = this.sessions.get(key) ?? (await this.file.session(this.backend, segment));
      this.sessions.set(key, session);
      sessions.push(session);
    }
    return new Forward(this.backend, segments, sessions, this.graph);
  }

  /**
   * Takes over what another one of the same network has built, as far as its weights are the same. The other is done
   * with.
   */
  takeOver(other: Unet): void {
    for (const [key, session] of other.sessions) this.sessions.set(key, session);
    other.sessions.clear();
    if (other.captured) this.captured?.takeOver(other.captured);
    for (const key of other.proved) this.proved.add(key);
    this.onWrongReplay = other.onWrongReplay;
  }

  /**
   * Predictions [fork rows, channels, height, width], valid until the next ones. Throws AbortError between segments
   * once `signal` is aborted.
   */
  async predict(plan: CutPlan, input: UnetInput, signal: AbortSignal): Promise<DeviceTensor> {
    const rows = { base: input.sample.dims[0]!, behindFork: input.fork.length };
    const forward = plan.captured?.get(rowsKey(rows));
    if (forward) return this.replay(forward, plan, input, signal);
    if (!plan.forward) throw new Error('This plan is not for so many rows.');
    return this.fixedBatch === null
      ? plan.forward.predict(input, signal)
      : plan.forward.predictInBatches(this.fixedBatch, input, signal);
  }

  /** The first one of each segment is proved; where it fails the run, and all others, go on unrecorded. */
  private async replay(
    forward: CapturedForward,
    plan: CutPlan,
    input: UnetInput,
    signal: AbortSignal,
  ): Promise<DeviceTensor> {
    try {
      const keys = forward.segments.map(({ key }) => key);
      if (keys.every((key) => this.proved.has(key))) return await forward.predict(input, signal);
      const predictions = await forward.prove(input, signal);
      for (const key of keys) this.proved.add(key);
      return predictions;
    } catch (error) {
      if (!(error instanceof WrongReplay || error instanceof NotCapturable)) throw error;
      if (error instanceof WrongReplay) {
        this.backend.capturing?.giveUp();
        this.onWrongReplay();
      }
    }
    await this.captured?.dispose();
    this.captured = null;
    plan.captured = null;
    plan.forward = await this.build(
      forward.segments.map(({ segment }) => segment),
      signal,
    );
    return plan.forward.predict(input, signal);
  }

  async dispose(): Promise<void> {
    await this.disposeSessions(new Set());
    await this.captured?.dispose();
  }

  private async disposeSessions(but: ReadonlySet<string>): Promise<void> {
    for (const [key, session] of this.sessions) {
      if (but.has(key)) continue;
      this.sessions.delete(key);
      await session.dispose();
    }
  }

  /** Two segments with the same nodes, bounds and weights are the same computation. */
  private segmentKey({ nodes, inputs, outputs }: Segment): string {
    const { initializers } = this.file.graph.model;
    const files = new Set(nodes.flatMap((node) => node.inputs.map((name) => initializers.get(name)?.range?.location)));
    return JSON.stringify([nodes.map((node) => node.outputs), inputs, outputs, [...files]]);
  }
}

/** A scalar or one value for all rows, as the graph says; a dimension that is the sample's batch has one a row. */
function timestepDims({ timestep, sample }: UnetInputs): (rows: number) => readonly number[] {
  return (rows) =>
    (timestep.dims ?? [1]).map((dim) =>
      typeof dim === 'number' ? dim : dim !== '' && dim === sample.dims?.[0] ? rows : 1,
    );
}

function predictionOf(outputs: readonly ValueInfo[]): ValueInfo | undefined {
  return (
    outputs.find(({ name }) => name === 'out_sample') ?? outputs.find(({ dims }) => dims?.length === 4) ?? outputs[0]
  );
}

function wholeOr(dim: number | string | undefined, otherwise: number): number {
  return typeof dim === 'number' ? dim : otherwise;
}
