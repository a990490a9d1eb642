// One forward of the UNet as a chain of recorded segments, for one number of rows before the fork and one behind it.
// Each segment has buffers of its own that stay. Our kernels write straight into the next segment's; what else it reads
// is copied there, which is also how rows are widened at the fork.

import {
  elements,
  type Backend,
  type CapturedSession,
  type Capturing,
  type DeviceTensor,
  type RowCopy,
} from './backend';
import { checkpoint } from './checkpoint';
import { timestepValue, type ForwardGraph, type UnetInput } from './forward';
import type { Segment } from '../onnx/segments/cut';
import { proveReplay, type RunWay } from './replayProof';

export interface CapturedSegment {
  readonly segment: Segment;
  readonly session: CapturedSession;
  /** What it computes, of whatever sizes. */
  readonly key: string;
  /** What its inputs hold that need not be written again, by name: conditioning and timestep. */
  readonly holds: Map<string, Held>;
}

interface Held {
  readonly what: DeviceTensor | number;
  /** Rows of the tensor that were copied. */
  readonly rows: string;
}

export class CapturedForward {
  constructor(
    private readonly backend: Backend,
    private readonly capturing: Capturing,
    readonly segments: readonly CapturedSegment[],
    private readonly graph: ForwardGraph,
  ) {}

  /**
   * Predictions [fork rows, channels, height, width], which the next forward overwrites.
   * @throws NotCapturable, or AbortError between segments once `signal` is aborted.
   */
  async predict(input: UnetInput, signal: AbortSignal, way: RunWay = 'recorded'): Promise<DeviceTensor> {
    const { sample, timestep, output, holdsRows } = this.graph;
    const baseRows = input.sample.dims[0]!;
    const sources = input.fork.map((row) => row.source);
    const widens = sources.length !== baseRows || sources.some((source, index) => source !== index);
    const lent = new Set([input.sample, ...Object.values(input.conditioning)]);
    const values = new Map<string, DeviceTensor>([[sample, input.sample], ...Object.entries(input.conditioning)]);
    /** Values that have base rows and are not widened yet. */
    const narrow = new Set(
      [...values].filter(([name, { dims }]) => dims[0] === baseRows && holdsRows(name)).map(([name]) => name),
    );
    const value = timestepValue(this.graph, input.timestep);
    let forked = false;
    for (const [index, { segment, session, holds }] of this.segments.entries()) {
      await checkpoint(signal);
      const copies: RowCopy[] = [];
      for (const [name, into] of Object.entries(session.inputs)) {
        if (name === timestep) {
          if (holds.get(name)?.what !== value)
            this.capturing.write(into, new Array<number>(elements(into.dims)).fill(value));
          holds.set(name, { what: value, rows: '' });
          continue;
        }
        const from = values.get(name)!;
        // The kernel of a site has written there.
        if (from === into) continue;
        const rows = forked && widens && narrow.has(name) ? sources : null;
        const held = { what: from, rows: rows?.join() ?? '' };
        const known = holds.get(name);
        if (name !== sample && lent.has(from) && known?.what === from && known.rows === held.rows) continue;
        holds.set(name, held);
        copies.push({ from, sources: rows, into });
      }
      this.capturing.copy(copies);
      await (way === 'anew' ? session.runAnew() : session.run());
      for (const [name, tensor] of Object.entries(session.outputs)) {
        values.set(name, tensor);
        if (!forked && tensor.dims[0] === baseRows && holdsRows(name)) narrow.add(name);
      }
      for (const site of segment.sites) {
        const strength = input.strengths?.get(site) ?? 1;
        const rows = input.fork.map((row, place) => ({
          source: forked ? place : row.source,
          identity: strength * row.identity,
        }));
        const [q, k, v] = [site.q, site.k, site.v].map((name) => values.get(name)!);
        const reader = this.segments.slice(index + 1).find((later) => site.output in later.session.inputs);
        const into = reader?.session.inputs[site.output];
        if (into) values.set(site.output, await this.backend.attend(q!, k!, v!, rows, site, into));
      }
      if (segment.sites.length > 0) forked = true;
    }
    return values.get(output)!;
  }

  /**
   * A prediction, and whether replays give what ordinary runs do.
   * @throws WrongReplay, NotCapturable, or AbortError.
   */
  async prove(input: UnetInput, signal: AbortSignal): Promise<DeviceTensor> {
    const { type, dims } = input.sample;
    const zeros = this.backend.upload(type, dims, new Float32Array(elements(dims)));
    try {
      let latest: DeviceTensor | null = null;
      await proveReplay(async (which, way) => {
        latest = await this.predict(which === 'given' ? input : { ...input, sample: zeros }, signal, way);
        return this.backend.read(latest);
      });
      return latest!;
    } finally {
      zeros.dispose();
    }
  }
}
