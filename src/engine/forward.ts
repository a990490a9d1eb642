// One forward of the UNet in ordinary sessions. Rows run together; before the first site only the base rows exist, and
// the site kernel forks the perturbed ones off: its output row r reads source row `fork[r].source` of Q, K and V.
// Whatever else crosses that first cut is widened to the same rows.

import type { SiteRow } from '../diffusion/types';
import type { Segment } from '../onnx/segments/cut';
import type { Site } from '../onnx/sites/sites';
import { elements, type Backend, type DeviceTensor, type ElemType, type Session, type Tensors } from './backend';
import { checkpoint } from './checkpoint';

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

/** What of the graph a forward must know. */
export interface ForwardGraph {
  /** Names of its inputs, and of the output that is the prediction. */
  readonly sample: string;
  readonly timestep: string;
  readonly output: string;
  /** Whether a value has one entry a row, where its first axis is as long as there are rows. */
  readonly holdsRows: (value: string) => boolean;
  readonly timestepType: ElemType;
  /** Sizes of the timestep for so many rows. */
  readonly timestepDims: (rows: number) => readonly number[];
}

/** The number that the graph reads: a whole one where it takes integers. */
export function timestepValue({ timestepType }: ForwardGraph, timestep: number): number {
  return timestepType === 'int64' || timestepType === 'int32' ? Math.trunc(timestep) : timestep;
}

export class Forward {
  /** Index of the last segment that reads a value. */
  private readonly lastRead = new Map<string, number>();

  /** @param sessions one a segment. */
  constructor(
    private readonly backend: Backend,
    readonly segments: readonly Segment[],
    readonly sessions: readonly Session[],
    private readonly graph: ForwardGraph,
  ) {
    for (const [index, segment] of segments.entries()) {
      for (const value of segment.inputs) this.lastRead.set(value, index);
      for (const { q, k, v } of segment.sites)
        for (const value of [q, k, v]) this.lastRead.set(value, Math.max(index, this.lastRead.get(value) ?? 0));
    }
  }

  /**
   * Predictions [fork rows, channels, height, width], of all rows at once.
   * Throws AbortError between segments once `signal` is aborted.
   */
  async predict(input: UnetInput, signal: AbortSignal): Promise<DeviceTensor> {
    const values = new Map<string, DeviceTensor>();
    const baseRows = input.sample.dims[0]!;
    const forkedRows = input.fork.map((row) => row.source);
    const widens = forkedRows.length !== baseRows || forkedRows.some((source, index) => source !== index);
    let forked = false;
    const { sample, timestep, output } = this.graph;
    // The caller keeps what it gave; everything else in `values` is freed behind its last reader.
    const lent = new Set([input.sample, ...Object.values(input.conditioning)]);
    const free = (tensor: DeviceTensor | undefined) => {
      if (tensor && !lent.has(tensor)) tensor.dispose();
    };
    values.set(sample, input.sample);
    for (const [name, tensor] of Object.entries(input.conditioning)) values.set(name, tensor);
    try {
      for (const [index, segment] of this.segments.entries()) {
        await checkpoint(signal);
        const rows = forked ? forkedRows.length : baseRows;
        free(values.get(timestep));
        values.set(timestep, this.timestepTensor(input.timestep, rows));
        const feeds = Object.fromEntries(segment.inputs.map((name) => [name, values.get(name) as DeviceTensor]));
        const made = await this.sessions[index]!.run(feeds);
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
          if (name === output || (this.lastRead.get(name) ?? -1) > index) continue;
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

  /** So many rows at a time, each from the start: they share nothing. The last row fills up the last batch. */
  async predictInBatches(batch: number, input: UnetInput, signal: AbortSignal): Promise<DeviceTensor> {
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
          parts.push(await this.predict({ ...input, sample, conditioning, fork: own }, signal));
        } finally {
          for (const tensor of [sample, ...Object.values(conditioning)]) tensor.dispose();
        }
      }
      return this.backend.joinRows(parts, fork.length);
    } finally {
      for (const part of parts) part.dispose();
    }
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
      if (done.has(name) || name === this.graph.timestep || tensor.dims[0] !== baseRows || !this.graph.holdsRows(name))
        continue;
      values.set(name, this.backend.gatherRows(tensor, sources));
      free(tensor);
    }
  }

  private timestepTensor(timestep: number, rows: number): DeviceTensor {
    const dims = this.graph.timestepDims(rows);
    const values = new Array<number>(elements(dims)).fill(timestepValue(this.graph, timestep));
    return this.backend.upload(this.graph.timestepType, dims, values);
  }
}
