// A VAE's decoder as a graph: whole where the device takes its largest tensor, in tiles where it does not (tiledGraph),
// and in small tiles from the moment on that memory was too short for the whole.

import type { ValueInfo } from '../onnx/file/model';
import { graphNeeds } from '../onnx/graph/needs';
import { EngineError, type EngineErrorCode } from '../protocol/errors';
import { elements, type Backend, type DeviceTensor, type Session, type Tensors } from './backend';
import { unlessAborted } from './checkpoint';
import { pictureOutput, type OnnxFile } from './onnxFile';
import { recordedSession } from './recordedSession';
import { TiledGraph, tiledPlans } from './tiledGraph';

export interface Decoded {
  /** [channels, height, width]. */
  readonly values: Float32Array;
  readonly dims: readonly [channels: number, height: number, width: number];
  /** 1 where it was decoded whole. */
  readonly tiles: number;
}

export interface DecoderNotices {
  /** Told once where the device does not replay what it has recorded. */
  readonly onWrongReplay: () => void;
  /** Told once where memory was too short for a whole picture. */
  readonly onTooShort: () => void;
}

/** Bytes of the widest map of a tile where memory has been too short. */
const SMALL_TILE = 2 ** 23;
/** The whole left too little room: ONNX Runtime says the one, and the GPU the other. */
const TOO_SHORT: ReadonlySet<EngineErrorCode> = new Set(['out-of-memory', 'gpu-refused']);

export class PictureDecoder {
  private whole: Session | null;
  private tiled: { readonly sizes: string; readonly graph: TiledGraph } | null = null;
  /** Bytes of the smallest picture's largest tensor for which memory was too short. */
  private tooLarge = Infinity;

  private constructor(
    private readonly backend: Backend,
    private readonly file: OnnxFile,
    session: Session,
    /** [batch, channels, height, width]. */
    readonly input: ValueInfo,
    private readonly notices: DecoderNotices,
  ) {
    this.whole = session;
  }

  /** @throws EngineError `model-invalid` or `session-build`. */
  static async open(
    backend: Backend,
    file: OnnxFile,
    input: ValueInfo,
    notices: DecoderNotices,
  ): Promise<PictureDecoder> {
    return new PictureDecoder(backend, file, await wholeSession(backend, file, notices), input, notices);
  }

  /** The picture of the first row. @throws EngineError as sessions do; AbortError. */
  async run(latents: DeviceTensor, signal: AbortSignal): Promise<Decoded> {
    const sizes = new Map([[this.input.name, latents.dims]]);
    const { largestTensor } = graphNeeds(this.file.graph.model, sizes);
    if (largestTensor >= this.tooLarge) return this.inTiles(latents, sizes, signal);
    if (largestTensor > this.backend.mostTensorBytes && this.hasPlan(sizes))
      return this.inTiles(latents, sizes, signal);
    try {
      return await this.asWhole(latents, signal);
    } catch (error) {
      if (!(error instanceof EngineError) || !TOO_SHORT.has(error.code) || !this.hasPlan(sizes)) throw error;
      await this.whole?.dispose();
      this.whole = null;
      await this.backend.recover();
      if (this.tooLarge === Infinity) this.notices.onTooShort();
      this.tooLarge = Math.min(this.tooLarge, largestTensor);
      return this.inTiles(latents, sizes, signal);
    }
  }

  async dispose(): Promise<void> {
    await this.whole?.dispose();
    await this.tiled?.graph.dispose();
    this.whole = null;
    this.tiled = null;
  }

  private async asWhole(latents: DeviceTensor, signal: AbortSignal): Promise<Decoded> {
    this.whole ??= await wholeSession(this.backend, this.file, this.notices);
    let outputs: Tensors = {};
    try {
      outputs = await this.whole.run({ [this.input.name]: latents });
      const output = outputs[pictureOutput(this.file)]!;
      const [, ...dims] = output.dims as [number, number, number, number];
      const values = await unlessAborted(signal, this.backend.read(output));
      return { values: values.slice(0, elements(dims)), dims, tiles: 1 };
    } finally {
      for (const tensor of Object.values(outputs)) tensor.dispose();
    }
  }

  private async inTiles(
    latents: DeviceTensor,
    sizes: ReadonlyMap<string, readonly number[]>,
    signal: AbortSignal,
  ): Promise<Decoded> {
    const isShort = this.tooLarge < Infinity;
    const key = JSON.stringify([...sizes, isShort]);
    if (this.tiled?.sizes !== key) {
      await this.tiled?.graph.dispose();
      this.tiled = null;
      const plans = tiledPlans(this.file, pictureOutput(this.file), sizes);
      const { mostTensorBytes: most } = this.backend;
      const plan = (isShort ? null : plans.find(({ needs }) => needs.largestTensor <= most)) ?? plans.at(-1)!;
      const graph = new TiledGraph(this.backend, this.file, plan, isShort ? Math.min(most, SMALL_TILE) : most);
      this.tiled = { sizes: key, graph };
    }
    return this.tiled.graph.run({ [this.input.name]: latents }, signal);
  }

  private hasPlan(sizes: ReadonlyMap<string, readonly number[]>): boolean {
    return tiledPlans(this.file, pictureOutput(this.file), sizes).length > 0;
  }
}

function wholeSession(backend: Backend, file: OnnxFile, { onWrongReplay }: DecoderNotices): Promise<Session> {
  return recordedSession(backend, file, file.upTo([pictureOutput(file)]), onWrongReplay);
}
