// Segments of a UNet that are recorded, each for the sizes of its inputs. Those of other numbers of rows, and of other
// cuts, are kept for as long as there is room for their weights: each session holds its own.

import { segmentWeights, type Segment } from '../onnx/segments/cut';
import { usedLength } from '../onnx/file/model';
import { storedBytes } from '../onnx/graph/needs';
import type { Backend, Capturing, Tensors } from './backend';
import { CapturedForward, type CapturedSegment } from './capturedForward';
import { checkpoint } from './checkpoint';
import type { ForwardGraph } from './forward';
import type { LatentShape } from './latentShape';
import type { OnnxFile } from './onnxFile';

/** Of all that are kept together. A model beyond it runs unrecorded: its steps take longer than what they send. */
const MOST_WEIGHT_BYTES = 2 ** 30;

/** The sizes of a run. */
export interface RunSizes {
  /** Of one image's latents. */
  readonly latentShape: LatentShape;
  /** What else the graph reads beside the timestep, by its names; with some number of rows. */
  readonly conditioning: Tensors;
  /** Of each of its forwards. */
  readonly rows: readonly ForwardRows[];
}

export interface ForwardRows {
  readonly base: number;
  readonly behindFork: number;
}

/** Tells forwards of different rows. */
export function rowsKey({ base, behindFork }: ForwardRows): string {
  return `${base} ${behindFork}`;
}

interface Kept extends CapturedSegment {
  readonly bytes: number;
}

export class CapturedSegments {
  /** The latest come last. */
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly backend: Backend,
    private readonly capturing: Capturing,
    private readonly file: OnnxFile,
    private readonly graph: ForwardGraph,
  ) {}

  /**
   * The forwards by their rows (`rowsKey`); null where the cut cannot be recorded, or is too large.
   * @param keys what tells the segments, one each. @throws EngineError, or AbortError between two sessions.
   */
  async forwards(
    segments: readonly Segment[],
    keys: readonly string[],
    sizes: RunSizes,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, CapturedForward> | null> {
    const isFloat = Object.values(sizes.conditioning).every(({ type }) => type === 'float32' || type === 'float16');
    const bytes = segments.map((segment) => this.weightBytes(segment));
    const sum = bytes.reduce((all, each) => all + each, 0);
    const different = new Map(sizes.rows.map((rows) => [rowsKey(rows), rows]));
    if (!isFloat || sum * different.size > MOST_WEIGHT_BYTES) return null;
    const used = new Set<string>();
    const forwards = new Map<string, CapturedForward>();
    for (const [name, rows] of different) {
      const chain = await this.chain(segments, keys, bytes, sizes, rows, used, signal);
      if (!chain) return null;
      forwards.set(name, new CapturedForward(this.backend, this.capturing, chain, this.graph));
    }
    await this.trim(used);
    return forwards;
  }

  /** Takes over what another one has recorded: what tells a segment tells its weights too. */
  takeOver(other: CapturedSegments): void {
    for (const [key, segment] of other.kept) this.kept.set(key, segment);
    other.kept.clear();
  }

  async dispose(): Promise<void> {
    for (const { session } of this.kept.values()) await session.dispose();
    this.kept.clear();
  }

  private async chain(
    segments: readonly Segment[],
    keys: readonly string[],
    bytes: readonly number[],
    { latentShape, conditioning }: RunSizes,
    { base, behindFork }: ForwardRows,
    used: Set<string>,
    signal: AbortSignal,
  ): Promise<CapturedSegment[] | null> {
    const { sample, timestep, holdsRows, timestepDims } = this.graph;
    const dims = new Map<string, readonly number[]>([[sample, [base, ...latentShape]]]);
    for (const [name, tensor] of Object.entries(conditioning)) dims.set(name, [base, ...tensor.dims.slice(1)]);
    const chain: CapturedSegment[] = [];
    let rows = base;
    for (const [index, segment] of segments.entries()) {
      dims.set(timestep, timestepDims(rows));
      const inputDims = new Map(segment.inputs.map((name) => [name, dims.get(name) ?? []]));
      const key = keys[index]!;
      const sized = `${key} ${JSON.stringify([...inputDims])}`;
      await checkpoint(signal);
      const captured = this.kept.get(sized) ?? (await this.record(segment, key, inputDims, bytes[index]!));
      if (!captured) return null;
      this.kept.delete(sized);
      this.kept.set(sized, captured);
      used.add(sized);
      // Sites are told by the graph's own objects, which another file of the same network has anew.
      chain.push({ ...captured, segment });
      for (const [name, tensor] of Object.entries(captured.session.outputs)) dims.set(name, tensor.dims);
      if (segment.sites.length === 0) continue;
      if (rows === base) {
        for (const [name, size] of dims)
          if (size[0] === base && holdsRows(name)) dims.set(name, [behindFork, ...size.slice(1)]);
        rows = behindFork;
      }
      for (const site of segment.sites) dims.set(site.output, [behindFork, ...(dims.get(site.q) ?? []).slice(1)]);
    }
    return chain;
  }

  private async record(
    segment: Segment,
    key: string,
    inputDims: ReadonlyMap<string, readonly number[]>,
    bytes: number,
  ): Promise<Kept | null> {
    const session = await this.file.capturedSession(this.backend, this.capturing, segment, inputDims);
    return session && { segment, session, key, bytes, holds: new Map() };
  }

  /** Lets go of what is not used, the oldest first, until the rest has room. */
  private async trim(used: ReadonlySet<string>): Promise<void> {
    let sum = [...this.kept.values()].reduce((all, { bytes }) => all + bytes, 0);
    for (const [key, { session, bytes }] of this.kept) {
      if (sum <= MOST_WEIGHT_BYTES) return;
      if (used.has(key)) continue;
      this.kept.delete(key);
      sum -= bytes;
      await session.dispose();
    }
  }

  private weightBytes(segment: Segment): number {
    const { model } = this.file.graph;
    return segmentWeights(model, segment).reduce((sum, name) => {
      const weight = model.initializers.get(name)!;
      return sum + (weight.range ? usedLength(weight.range) : storedBytes(weight));
    }, 0);
  }
}
