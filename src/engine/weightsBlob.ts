// The one file of weights that a session is built from: slices of a model's files, one after the other. Those that are
// of another element type in use, or transposed, are converted while they are read, piece by piece, so that neither the
// file nor a large part of it is ever in memory twice; of one that is transposed the whole is in memory, once.

import { FLOAT, type Matrix, type ScaleRange, type TypeCast } from '../onnx/file/model';
import { bytesOf, ComputedBlob, release } from './computedBlob';
import { convert, elementBytes, transposedPart, type Scales } from './convertWeights';

export interface WeightsPart {
  readonly blob: Blob;
  readonly cast?: TypeCast | undefined;
  /** Numbers of another place, by which they are multiplied as they are cast. */
  readonly scale?: StoredScales | undefined;
  readonly transposed?: Matrix | undefined;
}

export interface StoredScales extends Omit<ScaleRange, 'location'> {
  readonly file: Blob;
}

/**
 * A part of which elements `start` to `end` are meant, in the order in which they are used; `blob` is that of them all
 * where it is transposed.
 */
interface PartWindow extends WeightsPart {
  readonly start: number;
  readonly end: number;
}

/** Bytes, as they are used, that are read at once. */
const PIECE = 4 * 1024 * 1024;

export function weightsBlob(parts: readonly WeightsPart[]): Blob {
  const plain = parts.every(({ blob, cast, transposed }) => !cast && !transposed && !(blob instanceof ComputedBlob));
  return plain ? new Blob(parts.map((part) => part.blob)) : new ConvertedBlob(parts.map(whole));
}

class ConvertedBlob extends ComputedBlob {
  constructor(private readonly windows: readonly PartWindow[]) {
    super(windows.reduce((sum, window) => sum + sizeOf(window), 0));
  }

  override slice(start = 0, end = this.size): Blob {
    const chosen: PartWindow[] = [];
    let at = 0;
    for (const window of this.windows) {
      const size = sizeOf(window);
      const [from, to] = [Math.max(start, at) - at, Math.min(end, at + size) - at];
      if (from < to) chosen.push(narrowed(window, from, to));
      at += size;
    }
    return new ConvertedBlob(chosen);
  }

  protected override async *pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const window of this.windows) {
      const { blob, cast, transposed, start, end } = window;
      const scales = window.scale && (await scalesOf(window.scale, wholeOf(window), [start, end]));
      const bytes = transposed ? await bytesOf(blob) : null;
      // Whole rows of the transpose: the bands that are read twice at their bounds would be many.
      const rows = transposed?.rows ?? 1;
      const each = Math.max(1, Math.floor(PIECE / usedBytes(window) / rows)) * rows;
      for (let at = start; at < end; at = Math.min(end, (Math.floor(at / each) + 1) * each)) {
        const to = Math.min(end, (Math.floor(at / each) + 1) * each);
        const piece =
          bytes && transposed
            ? transposedPart(bytes, transposed, [at, to])
            : await bytesOf(blob.slice(at * storedBytes(window), to * storedBytes(window)));
        const made = cast ? convert(piece, cast, scales, at) : piece;
        if (made.buffer !== piece.buffer) release(piece);
        yield made;
      }
      if (bytes) release(bytes);
    }
  }
}

/**
 * The factors of elements `start` to `end` of a weight, in the order in which they are used. Of one that is transposed
 * in use, whose stored rows are columns then, each row reads them all.
 * @param count elements of the whole weight.
 */
export async function scalesOf(
  { file, offset, dataType, count: rows }: StoredScales,
  { count, transposed }: { readonly count: number; readonly transposed?: Matrix | undefined },
  [start, end]: readonly [number, number],
): Promise<Scales> {
  const every = rows > 1 && transposed ? 1 : count / rows;
  const [first, last] = transposed ? [0, rows] : [Math.floor(start / every), Math.ceil(end / every)];
  const width = elementBytes(dataType);
  const stored = await bytesOf(file.slice(offset + first * width, offset + last * width));
  const bytes = dataType === FLOAT ? stored : convert(stored, { from: dataType, to: FLOAT });
  return { values: new Float32Array(bytes.buffer, bytes.byteOffset, last - first), every, start: first * every };
}

function whole(part: WeightsPart): PartWindow {
  return { ...part, start: 0, end: wholeOf(part).count };
}

function wholeOf(part: WeightsPart) {
  return { count: part.blob.size / storedBytes(part), transposed: part.transposed };
}

/** Bytes `from` to `to` of a window, as they are used. */
function narrowed(window: PartWindow, from: number, to: number): PartWindow {
  const bytes = usedBytes(window);
  if (from % bytes !== 0 || to % bytes !== 0)
    throw new RangeError(`Bytes ${from} to ${to} begin or end inside a number.`);
  return { ...window, start: window.start + from / bytes, end: window.start + to / bytes };
}

function sizeOf(window: PartWindow): number {
  return (window.end - window.start) * usedBytes(window);
}

/** Of an element in use; of what is not converted, bytes are the elements. */
function usedBytes(part: WeightsPart): number {
  return part.cast ? elementBytes(part.cast.to) : storedBytes(part);
}

function storedBytes({ blob, cast, transposed }: WeightsPart): number {
  if (transposed) return blob.size / (transposed.rows * transposed.columns);
  return cast ? elementBytes(cast.from) : 1;
}
