// The UNet in segments. Rows run together; before the first site only the base rows exist, and the site kernel
// forks the perturbed ones off: its output row r reads source row `fork[r].source` of Q, K and V. Whatever else
// crosses that first cut is widened to the same rows. Sessions are kept by what they compute, so another layer
// set builds only the segments that changed.

import { PROMPT_TOKENS } from '../models/preflight';
import type { SiteRow } from '../diffusion/types';
import type { Refusal } from '../onnx/sites/matchAttention';
import { siteCosts, type SiteCost } from '../onnx/sites/cost';
import { cut, type Segment } from '../onnx/segments/cut';
import { surveySites, type Site } from '../onnx/sites/sites';
import { elements, type Backend, type DeviceTensor, type ElemType, type Session, type Tensors } from './backend';
import type { CapturedForward } from './capturedForward';
import { CapturedSegments, rowsKey, type RunSizes } from './capturedSegments';
import { NotCapturable, elemType, type OnnxFile } from './onnxFile';
import { NEVER, checkpoint } from './checkpoint';
import { WrongReplay } from './replayProof';
import { unetInputs, type UnetInputs } from './unetInputs';

interface CutPlan {
  readonly segments: readonly Segment[];
  /** None where the segments are recorded. */
  sessions: readonly Session[];
  /** By their rows; null where nothing is recorded. */
  captured: ReadonlyMap<string, CapturedForward> | null;
  /** Index of the last segment that reads a value. */
  readonly lastRead: ReadonlyMap<string, number>;
}

export interface UnetInput {
  /** [base rows, channels, height, width], already scaled. */
  readonly sample: DeviceTensor;
  readonly timestep: number;
  /** What else the graph reads, by the names of its inputs; each with base rows. */
  readonly conditioning: Tensors;
  /** Rows behind the first site; without sites it must name each base row once, in order. */
  readonly fork: readonly SiteRow[];
  /** SoftPAG: u of the perturbed rows at single sites; 1 where a site is not named. */
  readonly strengths?: ReadonlyMap<Site, number>;
}

export class Unet {
  readonly sites: readonly Site[];
  /** Attentions that are in the graph and cannot be taken out, by reason. */
  readonly refused: ReadonlyMap<Refusal, number>;
  readonly sampleType: ElemType;
  readonly inputs: UnetInputs;
  /** How many rows the graph takes at once, where its exporter fixed that for good; null where any number. */
  readonly fixedBatch: number | null;
  /** The graph that runs: freed of a fixed batch where that could be. */
  readonly file: OnnxFile;
  /** False for what is known to be the same for all rows, though its first axis may be as long as there are rows. */
  private readonly holdsRows: (value: string) => boolean;
  private readonly output: string;
  private readonly sessions = new Map<string, Session>();
  /** null where the device or the graph does not let itself be recorded. */
  private captured: CapturedSegments | null;
  private proved = false;

  /**
   * @param guidanceWidth `time_cond_proj_dim` of the config; null where the guidance scale is no input.
   * @param onWrongReplay told once where the device does not replay what it has recorded.
   * @throws EngineError `model-invalid` for a graph that is no UNet of a known kind.
   */
  constructor(
    private readonly backend: Backend,
    opened: OnnxFile,
    guidanceWidth: number | null,
    private onWrongReplay: () => void = () => {},
  ) {
    const { file, holdsRows } = opened.withFreeBatch();
    this.file = file;
    this.holdsRows = holdsRows;
    const { sites, refused } = surveySites(file.graph, (headDim) => backend.takesHeadDim(headDim));
    this.sites = sites;
    this.refused = refused;
    this.inputs = unetInputs(file.graph.model, guidanceWidth);
    const batch = this.inputs.sample.dims?.[0];
    this.fixedBatch = typeof batch === 'number' ? batch : null;
    this.sampleType = elemType(this.inputs.sample);
    this.output =
      (
        file.outputs.find(({ name }) => name === 'out_sample') ??
        file.outputs.find(({ dims }) => dims?.length === 4) ??
        file.outputs[0]
      )?.name ?? '';
    this.captured = this.capturedSegments();
  }

  /** What each site costs with one row of latents of this shape. */
  costs(latentShape: readonly [number, number, number]): SiteCost[] {
    return siteCosts(this.file.graph, this.sites, this.inputDims(latentShape, 1));
  }

  /** Sizes of the graph's inputs, by name, with so many rows of latents of this shape. */
  inputDims(latentShape: readonly [number, number, number], rows: number): Map<string, readonly number[]> {
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
    sizes.set(sample.name, [rows, ...latentShape]);
    return sizes.set(context.name, [rows, wholeOr(context.dims?.[1], PROMPT_TOKENS), wholeOr(context.dims?.[2], 1)]);
  }

  /**
   * Builds the sessions that a cut at `sites` needs and lets go of those that it does not. With the sizes of a run they
   * are made for these and recorded, where that can be.
   * Throws AbortError between two of them.
   */
  async prepare(sites: readonly Site[], signal: AbortSignal = NEVER, sizes: RunSizes | null = null): Promise<CutPlan> {
    const segments = cut(this.file.graph, sites);
    const lastRead = new Map<string, number>();
    segments.forEach((segment, index) => {
      for (const value of segment.inputs) lastRead.set(value, index);
      for (const site of segment.sites)
        for (const value of [site.q, site.k, site.v]) lastRead.set(value, Math.max(index, lastRead.get(value) ?? 0));
    });
    const captured = await this.record(segments, sizes, signal);
    const sessions = captured ? [] : await this.build(segments, signal);
    return { segments, sessions, captured, lastRead };
  }

  /** null where the run goes unrecorded. Whichever way it goes, the other one's sessions are gone. */
  private async record(
    segments: readonly Segment[],
    sizes: RunSizes | null,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, CapturedForward> | null> {
    if (!this.captured) return null;
    const keys = segments.map((segment) => this.segmentKey(segment));
    const forwards = sizes && (await this.captured.forwards(segments, keys, sizes, signal));
    if (!forwards) await this.captured.dispose();
    else await this.disposeSessions(new Set());
    return forwards;
  }

  private async build(segments: readonly Segment[], signal: AbortSignal): Promise<Session[]> {
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
    return sessions;
  }

  /**
   * Takes over what another one of the same network has built, as far as its weights are the same. The other is done
   * with.
   */
  takeOver(other: Unet): void {
    for (const [key, session] of other.sessions) this.sessions.set(key, session);
    other.sessions.clear();
    if (other.captured) this.captured?.takeOver(other.captured);
    this.proved = other.proved;
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
    return this.fixedBatch === null
      ? this.predictTogether(plan, input, signal)
      : this.predictInBatches(this.fixedBatch, plan, input, signal);
  }

  /** The first one of a model is proved; where it fails the run, and all others, go on unrecorded. */
  private async replay(
    forward: CapturedForward,
    plan: CutPlan,
    input: UnetInput,
    signal: AbortSignal,
  ): Promise<DeviceTensor> {
    try {
      const predictions = await (this.proved ? forward.predict(input, signal) : forward.prove(input, signal));
      this.proved = true;
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
    plan.sessions = await this.build(plan.segments, signal);
    return this.predictTogether(plan, input, signal);
  }

  /** So many rows at a time, each from the start: they share nothing. The last row fills up the last batch. */
  private async predictInBatches(
    batch: number,
    plan: CutPlan,
    input: UnetInput,
    signal: AbortSignal,
  ): Promise<DeviceTensor> {
    const { fork } = input;
    const parts: DeviceTensor[] = [];
    try {
      for (let at = 0; at < fork.length; at += batch) {
        const rows = Array.from({ length: batch }, (_, index) => fork[Math.min(at + index, fork.length - 1)]!);
        const pick = (tensor: DeviceTensor) =>
          this.backend.gatherRows(
            tensor,
            rows.map((row) => row.source),
          );
        const sample = pick(input.sample);
        const conditioning = Object.fromEntries(
          Object.entries(input.conditioning).map(([name, tensor]) => [name, pick(tensor)]),
        );
        const own = rows.map((row, source) => ({ source, identity: row.identity }));
        try {
          parts.push(await this.predictTogether(plan, { ...input, sample, conditioning, fork: own }, signal));
        } finally {
          for (const tensor of [sample, ...Object.values(conditioning)]) tensor.dispose();
        }
      }
      return this.backend.joinRows(parts, fork.length);
    } finally {
      for (const part of parts) part.dispose();
    }
  }

  private async predictTogether(plan: CutPlan, input: UnetInput, signal: AbortSignal): Promise<DeviceTensor> {
    const values = new Map<string, DeviceTensor>();
    const baseRows = input.sample.dims[0]!;
    const forkedRows = input.fork.map((row) => row.source);
    const widens = forkedRows.length !== baseRows || forkedRows.some((source, index) => source !== index);
    let forked = false;
    const { output } = this;
    const { timestep } = this.inputs;
    // The caller keeps what it gave; everything else in `values` is freed behind its last reader.
    const lent = new Set([input.sample, ...Object.values(input.conditioning)]);
    const free = (tensor: DeviceTensor | undefined) => {
      if (tensor && !lent.has(tensor)) tensor.dispose();
    };
    values.set(this.inputs.sample.name, input.sample);
    for (const [name, tensor] of Object.entries(input.conditioning)) values.set(name, tensor);
    try {
      for (const [index, segment] of plan.segments.entries()) {
        await checkpoint(signal);
        const rows = forked ? forkedRows.length : baseRows;
        free(values.get(timestep.name));
        values.set(timestep.name, this.timestepTensor(input.timestep, rows));
        const feeds = Object.fromEntries(segment.inputs.map((name) => [name, values.get(name) as DeviceTensor]));
        const made = await plan.sessions[index]!.run(feeds);
        for (const [name, tensor] of Object.entries(made)) values.set(name, tensor);
        for (const site of segment.sites) {
          const strength = input.strengths?.get(site) ?? 1;
          const siteRows = input.fork.map((row, place) => ({
            source: forked ? place : row.source,
            identity: strength * row.identity,
          }));
          const [q, k, v] = [site.q, site.k, site.v].map((name) => values.get(name) as DeviceTensor) as [
            DeviceTensor,
            DeviceTensor,
            DeviceTensor,
          ];
          values.set(site.output, await this.backend.attend(q, k, v, siteRows, site));
        }
        for (const [name, tensor] of values) {
          if (name === output || (plan.lastRead.get(name) ?? -1) > index) continue;
          free(tensor);
          values.delete(name);
        }
        if (segment.sites.length > 0 && !forked) {
          forked = true;
          if (widens) this.widen(values, segment.sites, baseRows, forkedRows, free);
        }
      }
      const prediction = values.get(output) as DeviceTensor;
      values.delete(output);
      return prediction;
    } finally {
      for (const tensor of values.values()) free(tensor);
    }
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

  private capturedSegments(): CapturedSegments | null {
    const { capturing } = this.backend;
    if (!capturing || this.fixedBatch !== null) return null;
    const { sample, timestep } = this.inputs;
    return new CapturedSegments(
      this.backend,
      capturing,
      this.file,
      {
        sample: sample.name,
        timestep: timestep.name,
        output: this.output,
        holdsRows: this.holdsRows,
        timestepValue: (value) => this.timestepValue(value),
      },
      (rows) => this.timestepDims(rows),
    );
  }

  /** Two segments with the same nodes, bounds and weights are the same computation. */
  private segmentKey({ nodes, inputs, outputs }: Segment): string {
    const { initializers } = this.file.graph.model;
    const files = new Set(nodes.flatMap((node) => node.inputs.map((name) => initializers.get(name)?.range?.location)));
    return JSON.stringify([nodes.map((node) => node.outputs), inputs, outputs, [...files]]);
  }

  /** Gives every value that is still needed, and has base rows, the rows behind the fork. */
  private widen(
    values: Map<string, DeviceTensor>,
    sites: readonly Site[],
    baseRows: number,
    sources: readonly number[],
    free: (tensor: DeviceTensor) => void,
  ): void {
    const done = new Set(sites.map((site) => site.output));
    for (const [name, tensor] of values) {
      if (done.has(name) || name === this.inputs.timestep.name || tensor.dims[0] !== baseRows || !this.holdsRows(name))
        continue;
      values.set(name, this.backend.gatherRows(tensor, sources));
      free(tensor);
    }
  }

  private timestepTensor(timestep: number, rows: number): DeviceTensor {
    const dims = this.timestepDims(rows);
    const values = new Array<number>(elements(dims)).fill(this.timestepValue(timestep));
    return this.backend.upload(elemType(this.inputs.timestep), dims, values);
  }

  /** A scalar or one value for all rows, as the graph says; a dimension that is the sample's batch has one a row. */
  private timestepDims(rows: number): readonly number[] {
    const { timestep, sample } = this.inputs;
    return (timestep.dims ?? [1]).map((dim) =>
      typeof dim === 'number' ? dim : dim !== '' && dim === sample.dims?.[0] ? rows : 1,
    );
  }

  /** What the graph reads: whole numbers where it takes integers. */
  private timestepValue(timestep: number): number {
    const type = elemType(this.inputs.timestep);
    return type === 'int64' || type === 'int32' ? Math.trunc(timestep) : timestep;
  }
}

function wholeOr(dim: number | string | undefined, otherwise: number): number {
  return typeof dim === 'number' ? dim : otherwise;
}
