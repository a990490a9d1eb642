// Attention at a site on the CPU, by ONNX Runtime's own operator, which has SIMD and threads:
//   out[r] = (1 − u)·softmax(Q·Kᵀ·scale)·V + u·V    of source row rows[r].source, with u = rows[r].identity.
// Each source row that some output row attends with is attended once, however many read it; u = 1 is a copy of V, bit
// by bit. kernels/attention.cpu says in f64 what this must be.

import { checkSiteRows } from '../kernels/attention';
import type { SiteRow } from '../diffusion/types';
import { Graph } from '../onnx/graph/graph';
import { runnableNodes } from '../onnx/passes/runnable';
import { writeSegment } from '../onnx/segments/write';
import type { AttentionSettings } from './backend';
import { oneAttention } from './oneAttention';
import { gatheredRows } from './rowData';
import type { Ort } from './runtime';
import { runtimeFailure } from './runtimeFailure';

type Session = Awaited<ReturnType<Ort['InferenceSession']['create']>>;

export interface SiteTensors {
  /** Each [dims[0], tokens, heads·dim]. */
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly dims: readonly [number, number, number];
}

export class CpuAttention {
  /** By heads and scale; tokens and rows are free. */
  private readonly sessions = new Map<string, Promise<Session>>();

  constructor(private readonly ort: Ort) {}

  /**
   * [rows.length, tokens, heads·dim].
   * @throws RangeError for a row that is not there; EngineError where ONNX Runtime fails.
   */
  async attend(site: SiteTensors, rows: readonly SiteRow[], settings: AttentionSettings): Promise<Float32Array> {
    const [sourceRows, tokens, channels] = site.dims;
    checkSiteRows(rows, sourceRows);
    const size = tokens * channels;
    const sources = [...new Set(rows.filter((row) => row.identity !== 1).map((row) => row.source))].sort(
      (a, b) => a - b,
    );
    const attended = sources.length > 0 ? await this.attended(site, sources, settings) : site.v;
    // Rows that are attended as they come need no copy.
    const asTheyAre = rows.every(({ source, identity }, row) => identity === 0 && sources[row] === source);
    if (asTheyAre && rows.length === sources.length) return attended;
    const out = new Float32Array(rows.length * size);
    rows.forEach(({ source, identity }, row) => {
      const own = site.v.subarray(source * size, (source + 1) * size);
      const at = row * size;
      if (identity === 1) {
        out.set(own, at);
        return;
      }
      const from = sources.indexOf(source) * size;
      out.set(attended.subarray(from, from + size), at);
      if (identity === 0) return;
      for (let i = 0; i < size; i += 1) out[at + i] = (1 - identity) * out[at + i]! + identity * own[i]!;
    });
    return out;
  }

  async dispose(): Promise<void> {
    const sessions = [...this.sessions.values()];
    this.sessions.clear();
    for (const session of sessions) await (await session).release();
  }

  /** Of these source rows alone, in this order. */
  private async attended(
    { q, k, v, dims: [, tokens, channels] }: SiteTensors,
    sources: readonly number[],
    settings: AttentionSettings,
  ): Promise<Float32Array> {
    const size = tokens * channels;
    const first = sources[0]!;
    const adjoin = sources.every((source, index) => source === first + index);
    const rowsOf = (data: Float32Array) =>
      adjoin
        ? data.subarray(first * size, (first + sources.length) * size)
        : (gatheredRows(data, size, sources) as Float32Array);
    const tensor = (data: Float32Array) =>
      new this.ort.Tensor('float32', rowsOf(data), [sources.length, tokens, channels]);
    try {
      const session = await this.session(settings);
      const { out } = await session.run({ q: tensor(q), k: tensor(k), v: tensor(v) });
      return out!.data as Float32Array;
    } catch (cause) {
      throw runtimeFailure(cause, 'an attention layer', { kind: 'wasm' }, 'run');
    }
  }

  private session(settings: AttentionSettings): Promise<Session> {
    const key = `${settings.heads} ${settings.scale}`;
    const known = this.sessions.get(key);
    if (known) return known;
    const model = oneAttention('float32', ['rows', 'tokens', 'channels'], settings);
    const nodes = runnableNodes(new Graph(model), model.nodes, { partsAttention: true });
    const { bytes } = writeSegment(model, { nodes, inputs: ['q', 'k', 'v'], outputs: ['out'], sites: [] });
    const made = this.ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], logSeverityLevel: 3 });
    this.sessions.set(key, made);
    made.catch(() => this.sessions.delete(key));
    return made;
  }
}
