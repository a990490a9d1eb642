// A graph that runs whole, such as a VAE's decoder: recorded for the sizes that it is run with where the device and the
// graph let it and its tensors are small, an ordinary session where not. What is large takes longer than what it sends,
// and a recording keeps all its buffers.

import { graphNeeds } from '../onnx/graph/needs';
import type { Segment } from '../onnx/segments/cut';
import {
  elements,
  type Backend,
  type CapturedSession,
  type Capturing,
  type DeviceTensor,
  type Session,
  type Tensors,
} from './backend';
import { NotCapturable, type OnnxFile } from './onnxFile';
import { WrongReplay, proveReplay, type RunWay } from './replayProof';

/** Of the largest tensor: the decoder of a picture of 512² has one of 134 MB, that of 64² one of 2 MB. */
const MOST_TENSOR_BYTES = 2 ** 24;

type Sizes = ReadonlyMap<string, readonly number[]>;

/**
 * Its outputs are valid until the next run. On devices that record it builds at the first run.
 * @param onWrongReplay told once where the device does not replay what it has recorded.
 * @throws EngineError `model-invalid` or `session-build`.
 */
export function recordedSession(
  backend: Backend,
  file: OnnxFile,
  segment: Segment,
  onWrongReplay: () => void,
): Promise<Session> {
  const { capturing } = backend;
  if (!capturing) return file.session(backend, segment);
  return Promise.resolve(new RecordedSession(backend, capturing, file, segment, onWrongReplay));
}

class RecordedSession implements Session {
  private recorded: { readonly sizes: string; readonly session: CapturedSession } | null = null;
  private ordinary: Session | null = null;

  constructor(
    private readonly backend: Backend,
    private readonly capturing: Capturing,
    private readonly file: OnnxFile,
    private readonly segment: Segment,
    private readonly onWrongReplay: () => void,
  ) {}

  async run(feeds: Tensors): Promise<Record<string, DeviceTensor>> {
    const session = this.ordinary ? null : await this.recording(feeds);
    if (session) return this.replay(session, feeds);
    this.ordinary ??= await this.file.session(this.backend, this.segment);
    return this.ordinary.run(feeds);
  }

  async dispose(): Promise<void> {
    await this.forget();
    await this.ordinary?.dispose();
    this.ordinary = null;
  }

  /** null where nothing can be recorded of these sizes. */
  private async recording(feeds: Tensors): Promise<CapturedSession | null> {
    const dims: Sizes = new Map(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
    const sizes = JSON.stringify([...dims]);
    if (this.recorded?.sizes === sizes) return this.recorded.session;
    await this.forget();
    if (!this.backend.capturing || graphNeeds(this.file.graph.model, dims).largestTensor > MOST_TENSOR_BYTES)
      return null;
    const session = await this.file.capturedSession(this.backend, this.capturing, this.segment, dims);
    if (!session) return null;
    this.recorded = { sizes, session };
    try {
      await this.prove(session, feeds);
      return session;
    } catch (error) {
      await this.forget();
      if (error instanceof WrongReplay) {
        this.capturing.giveUp();
        this.onWrongReplay();
      } else if (!(error instanceof NotCapturable)) throw error;
      return null;
    }
  }

  private async prove(session: CapturedSession, feeds: Tensors): Promise<void> {
    const zeros: Tensors = Object.fromEntries(
      Object.entries(feeds).map(([name, { type, dims }]) => [
        name,
        this.backend.upload(type, dims, new Float32Array(elements(dims))),
      ]),
    );
    try {
      await proveReplay(async (input, way) => {
        const made = await this.replay(session, input === 'given' ? feeds : zeros, way);
        return this.backend.read(Object.values(made)[0]!);
      });
    } finally {
      for (const tensor of Object.values(zeros)) tensor.dispose();
    }
  }

  private async replay(
    session: CapturedSession,
    feeds: Tensors,
    way: RunWay = 'recorded',
  ): Promise<Record<string, DeviceTensor>> {
    this.capturing.copy(
      Object.entries(session.inputs).map(([name, into]) => ({ from: feeds[name]!, sources: null, into })),
    );
    await (way === 'anew' ? session.runAnew() : session.run());
    return { ...session.outputs };
  }

  private async forget(): Promise<void> {
    await this.recorded?.session.dispose();
    this.recorded = null;
  }
}
