// An ONNX file opened as a graph in the form that suits the device, and sessions built from it whole or in segments.
// The weights of a session are a Blob made of slices of the file and of the files beside it that it names: nothing
// is copied until ONNX Runtime reads it.

import { cut, type Place, type Segment } from '../onnx/segments/cut';
import { freeBatch } from '../onnx/passes/freeBatch/freeBatch';
import { Graph } from '../onnx/graph/graph';
import { FLOAT16, INT32, INT64, type ByteRange, type Model, type ValueInfo } from '../onnx/file/model';
import { storedBytes } from '../onnx/graph/needs';
import { readModel } from '../onnx/file/read';
import { withFewerDispatches } from '../onnx/passes/fewerDispatches';
import { runnable, runnableNodes, type DeviceTraits } from '../onnx/passes/runnable';
import { withTailFrom, type Tail } from '../onnx/passes/tailFrom';
import { tokensOutside, type TokensOutside } from '../onnx/passes/tokensOutside';
import { usesFloat16 } from '../onnx/graph/needs';
import { specialise } from '../onnx/segments/specialise';
import { writeSegment } from '../onnx/segments/write';
import { EngineError } from '../protocol/errors';
import { float16ToFloat32 } from '../kernels/float16';
import type { Backend, CapturedSession, Capturing, ElemType, Session } from './backend';
import { elementBytes } from './convertWeights';
import type { OpenFile } from './modelFiles';
import { runtimeFailure } from './runtimeFailure';
import { weightsBlob, type StoredScales, type WeightsPart } from './weightsBlob';

/** What ONNX Runtime says of sessions that it cannot record: of nodes beside the GPU, of some forms of attention. */
const NOT_CAPTURABLE = /graph capture/i;

/** By a run that would have been recorded. */
export class NotCapturable extends Error {}

export interface OnnxFileOptions {
  readonly device: DeviceTraits;
  /** Opens files of external weights, by path in the model's folder; null where there can be none. */
  readonly openFile: OpenFile | null;
}

export class OnnxFile {
  private readonly external = new Map<string, Promise<Blob>>();

  private constructor(
    readonly graph: Graph,
    private readonly blob: Blob,
    /** The file's path in the model's folder; external weights are relative to its folder. */
    readonly name: string,
    private readonly openFile: OpenFile | null,
    /** An f16 graph that runs in f32. */
    readonly widened: boolean,
    /** What the graph has as an input in place of a table of its own. */
    readonly tokens: TokensOutside | null = null,
  ) {}

  /** @throws EngineError `model-invalid`. */
  static async open(blob: Blob, name: string, options: OnnxFileOptions): Promise<OnnxFile> {
    return OnnxFile.of(await readModel(blob, name), blob, name, options);
  }

  /** A graph that was built and not read: each of its weights lies in a file that `openFile` opens. */
  static built(graph: Model, name: string, options: OnnxFileOptions): OnnxFile {
    return OnnxFile.of(graph, new Blob([]), name, options);
  }

  private static of(graph: Model, blob: Blob, name: string, { device, openFile }: OnnxFileOptions): OnnxFile {
    const { model, widened } = runnable(graph, device);
    if (!device.fusesAttention && model.nodes.some((node) => node.opType === 'MultiHeadAttention')) {
      throw new EngineError(
        'session-build',
        `ONNX Runtime computes attention wrongly on this GPU, and ${name} leaves it to ONNX Runtime. ` +
          'Choose the CPU, or another model.',
      );
    }
    return new OnnxFile(new Graph(model), blob, name, openFile, widened);
  }

  /** Whether it computes in f16 as it runs. */
  get half(): boolean {
    return usesFloat16(this.graph.model);
  }

  /**
   * The same file for any number of rows, where its batch was fixed and can be freed; else itself.
   * `holdsRows` tells the values with one entry a row.
   */
  withFreeBatch(): { file: OnnxFile; holdsRows: (value: string) => boolean } {
    const { model, rowValues } = freeBatch(this.graph.model);
    if (!model) return { file: this, holdsRows: () => true };
    return {
      file: this.withModel(model),
      holdsRows: (value) => rowValues.has(value),
    };
  }

  /** The same file with one output more (onnx/passes/tailFrom); null where its end is no such one. */
  withTailFrom(tail: Tail): OnnxFile | null {
    const model = withTailFrom(this.graph, tail);
    return model && this.withModel(model);
  }

  /** The same file with its table of tokens left where it is (onnx/passes/tokensOutside); itself where it has none. */
  withTokensOutside(): OnnxFile {
    const tokens = tokensOutside(this.graph, inputByRole(this, TOKEN_IDS, 2));
    return tokens ? this.withModel(tokens.model, tokens) : this;
  }

  /** Of `tokens`: one row of the table a token. */
  async tokenRows(ids: readonly number[]): Promise<Float32Array> {
    const { range, dims, dataType } = this.tokens!.table;
    const width = dims[1]!;
    const bytes = width * elementBytes(dataType);
    const table = weightsBlob(await this.slice(range!));
    const rows = new Float32Array(ids.length * width);
    const read = async (id: number) => {
      if (bytes * (id + 1) > table.size) throw this.incomplete(`token ${id}`);
      const row = await table.slice(bytes * id, bytes * (id + 1)).arrayBuffer();
      const numbers = dataType === FLOAT16 ? float16ToFloat32(new Uint16Array(row)) : new Float32Array(row);
      ids.forEach((one, at) => one === id && rows.set(numbers, at * width));
    };
    await Promise.all([...new Set(ids)].map(read));
    return rows;
  }

  /** Another graph with the weights of this file. */
  withModel(model: Model, tokens = this.tokens): OnnxFile {
    return new OnnxFile(new Graph(model), this.blob, this.name, this.openFile, this.widened, tokens);
  }

  /** Bytes of weights, as they lie in the files. */
  get bytes(): number {
    let bytes = this.tokens ? storedBytes(this.tokens.table) : 0;
    for (const weight of this.graph.model.initializers.values()) bytes += storedBytes(weight);
    return bytes;
  }

  get inputs(): readonly ValueInfo[] {
    return this.graph.model.inputs;
  }

  get outputs(): readonly ValueInfo[] {
    return this.graph.model.outputs;
  }

  /** What these outputs need of the graph, as one segment: what only the others need is left out. */
  upTo(names: readonly string[]): Segment {
    const { model } = this.graph;
    return this.upToValues(model.outputs.filter((output) => names.includes(output.name)));
  }

  /** The same for any values of the graph. */
  upToValues(outputs: readonly ValueInfo[]): Segment {
    return cut(new Graph({ ...this.graph.model, outputs }), [])[0]!;
  }

  /**
   * Its runs throw EngineError `out-of-memory` or `run-failed`.
   * @throws EngineError `session-build` where ONNX Runtime refuses the graph, `out-of-memory`, or `model-invalid` where
   * weights are missing.
   */
  async session(backend: Backend, segment: Segment<Place>): Promise<Session> {
    const nodes = runnableNodes(this.graph, segment.nodes, backend);
    const { bytes, parts } = writeSegment(this.graph.model, { ...segment, nodes });
    const slices = (await Promise.all(parts.map((part) => this.slice(part)))).flat();
    try {
      const session = await backend.createSession(bytes, weightsBlob(slices), this.name);
      return {
        run: (feeds) =>
          session
            .run(feeds)
            .catch((cause: unknown) => Promise.reject(runtimeFailure(cause, this.name, backend, 'run'))),
        dispose: () => session.dispose(),
      };
    } catch (cause) {
      throw runtimeFailure(cause, this.name, backend, 'build');
    }
  }

  /**
   * A session of the segment that is made for these sizes of its inputs, and recorded; null where that cannot be.
   * @throws EngineError `out-of-memory` or `model-invalid`; its runs `out-of-memory` or `run-failed`, or
   * NotCapturable.
   */
  async capturedSession(
    backend: Backend,
    capturing: Capturing,
    segment: Segment,
    inputDims: ReadonlyMap<string, readonly number[]>,
  ): Promise<CapturedSession | null> {
    const sized = specialise(this.graph.model, segment, inputDims);
    if (!sized) return null;
    const model = withFewerDispatches(sized.model);
    const { bytes, parts } = writeSegment(model, { ...sized.segment, nodes: model.nodes });
    const slices = (await Promise.all(parts.map((part) => this.slice(part)))).flat();
    const values = (infos: readonly ValueInfo[]) =>
      infos.map((info) => ({ name: info.name, type: elemType(info), dims: info.dims as readonly number[] }));
    const { inputs, outputs } = model;
    const failed = (cause: unknown): never => {
      if (NOT_CAPTURABLE.test(String(cause))) throw new NotCapturable();
      throw runtimeFailure(cause, this.name, backend, 'run');
    };
    try {
      const session = await capturing.session(bytes, weightsBlob(slices), this.name, values(inputs), values(outputs));
      return {
        ...session,
        outputs: Object.fromEntries(
          [...sized.outputs].map(([name, { source, dims }]) => [
            name,
            capturing.reshaped(session.outputs[source]!, dims),
          ]),
        ),
        run: () => session.run().catch(failed),
        runAnew: () => session.runAnew().catch(failed),
      };
    } catch (cause) {
      if (NOT_CAPTURABLE.test(String(cause))) return null;
      throw runtimeFailure(cause, this.name, backend, 'build');
    }
  }

  private async slice(range: ByteRange): Promise<WeightsPart[]> {
    const { location, offset, length, cast, transposed, padding } = range;
    const file = location === null ? this.blob : await this.beside(location);
    const scale = range.scale && {
      file: range.scale.location === null ? this.blob : await this.beside(range.scale.location),
      ...range.scale,
    };
    if (offset + length > file.size)
      throw this.incomplete(`${location ?? this.name} ${offset}+${length} of ${file.size}`);
    if (scale && scale.offset + scale.count * elementBytes(scale.dataType) > scale.file.size)
      throw this.incomplete(`${scale.count} scales at ${scale.offset} of ${scale.file.size}`);
    const part = (from: number, bytes: number) => ({
      blob: file.slice(offset + from, offset + from + bytes),
      cast,
      scale: scale && ofShare(scale, from / length, bytes / length),
      transposed,
    });
    if (!padding) return [part(0, length)];
    const { every, zeros } = padding;
    const nothing = { blob: new Blob([new Uint8Array(zeros)]), cast };
    return Array.from({ length: length / every }, (_, at) => [part(at * every, every), nothing]).flat();
  }

  /** A file of external weights, by its path relative to this one. */
  private beside(location: string): Promise<Blob> {
    const known = this.external.get(location);
    if (known) return known;
    const steps = location.split('/').filter((step) => step !== '.');
    const inside = this.openFile && !location.startsWith('/') && !steps.includes('..');
    if (!inside) return Promise.reject(this.incomplete(location));
    const folder = this.name.slice(0, this.name.lastIndexOf('/') + 1);
    const opened = this.openFile(folder + steps.join('/'));
    this.external.set(location, opened);
    return opened;
  }

  private incomplete(detail: string): EngineError {
    return new EngineError(
      'model-invalid',
      `${this.name} names weights that are not in the model. Fetch the model again.`,
      detail,
    );
  }
}

/** The factors of some of a weight's rows: from which share of its bytes on, and how large a share. */
function ofShare(scale: StoredScales, from: number, share: number): StoredScales {
  const { offset, dataType, count } = scale;
  if (count === 1) return scale;
  const first = Math.round(count * from);
  return { ...scale, offset: offset + first * elementBytes(dataType), count: Math.round(count * share) };
}

/** What exporters call a text encoder's input. */
export const TOKEN_IDS = ['input_ids', 'tokens', 'prompt'];

/** The element type of a graph's input or output. */
export function elemType(info: ValueInfo): ElemType {
  if (info.elemType === FLOAT16) return 'float16';
  if (info.elemType === INT64) return 'int64';
  return info.elemType === INT32 ? 'int32' : 'float32';
}

/** The output that is a map, a VAE’s picture; '' where a graph has no output. */
export function pictureOutput({ outputs }: OnnxFile): string {
  return (outputs.find(({ dims }) => dims?.length === 4) ?? outputs[0])?.name ?? '';
}

/** The input whose name is one of `names`, else the only one of that rank. */
export function inputByRole(file: OnnxFile, names: readonly string[], rank: number): ValueInfo {
  const byName = file.inputs.find((input) => names.includes(input.name));
  const byRank = file.inputs.filter((input) => input.dims?.length === rank);
  const found = byName ?? (byRank.length === 1 ? byRank[0] : undefined);
  if (found) return found;
  const has = file.inputs.map((input) => `${input.name} [${input.dims?.join(', ') ?? '?'}]`).join('; ');
  throw new EngineError(
    'model-invalid',
    `${file.name} has no input called ${names[0]}. It is not a model of a kind that Pagoda runs.`,
    has,
  );
}
