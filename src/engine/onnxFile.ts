// An ONNX file opened as a graph, and sessions built from it whole or in segments. The weights of a session are
// a Blob made of slices of the file: nothing is copied until ONNX Runtime reads it.

import { cut, type Segment } from '../onnx/cut';
import { Graph } from '../onnx/graph';
import type { ValueInfo } from '../onnx/model';
import { readModel } from '../onnx/read';
import { writeSegment } from '../onnx/write';
import { EngineError } from '../protocol/errors';
import type { Backend, Session } from './backend';

export class OnnxFile {
  private constructor(readonly graph: Graph, private readonly blob: Blob, readonly name: string) {}

  /** @throws EngineError `model-invalid`. */
  static async open(blob: Blob, name: string): Promise<OnnxFile> {
    return new OnnxFile(new Graph(await readModel(blob, name)), blob, name);
  }

  get inputs(): readonly ValueInfo[] {
    return this.graph.model.inputs;
  }

  /** The graph as one segment. */
  whole(): Segment {
    return cut(this.graph, [])[0] as Segment;
  }

  /** @throws EngineError `session-build` where ONNX Runtime refuses the graph, `model-invalid` where weights are missing. */
  async session(backend: Backend, segment: Segment): Promise<Session> {
    const { bytes, parts } = writeSegment(this.graph.model, segment);
    const slices = parts.map(({ location, offset, length }) => {
      if (location !== null || offset + length > this.blob.size) {
        throw new EngineError('model-invalid', `${this.name} names weights that are not in the file. Fetch the model again.`, `${location ?? this.name} ${offset}+${length}`);
      }
      return this.blob.slice(offset, offset + length);
    });
    try {
      return await backend.createSession(bytes, new Blob(slices), this.name);
    } catch (cause) {
      if (cause instanceof EngineError) throw cause;
      throw new EngineError(
        'session-build',
        `ONNX Runtime cannot run ${this.name} on this device. Try the CPU, or another model.`,
        cause instanceof Error ? cause.message : String(cause),
        { cause },
      );
    }
  }
}

/** The input whose name is one of `names`, else the only one of that rank. */
export function inputByRole(file: OnnxFile, names: readonly string[], rank: number): ValueInfo {
  const byName = file.inputs.find((input) => names.includes(input.name));
  const byRank = file.inputs.filter((input) => input.dims?.length === rank);
  const found = byName ?? (byRank.length === 1 ? byRank[0] : undefined);
  if (found) return found;
  const has = file.inputs.map((input) => `${input.name} [${input.dims?.join(', ') ?? '?'}]`).join('; ');
  throw new EngineError('model-invalid', `${file.name} has no input called ${names[0]}. It is not a model of a kind that Pagoda runs.`, has);
}
