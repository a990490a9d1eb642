// The one file of weights that a session is built from: slices of a model's files, one after the other. Those whose
// f16 numbers are to be f32 are widened while they are read, piece by piece, so that neither the file nor a large
// part of it is ever in memory twice. ONNX Runtime asks a Blob for its size, slices of it, and their bytes.

import { float16ToFloat32 } from '../kernels/float16';

export interface WeightsPart {
  readonly blob: Blob;
  /** f16 numbers, read as f32. */
  readonly widened: boolean;
}

/** Bytes of f16 that are widened at once. */
const PIECE = 4 * 1024 * 1024;

export function weightsBlob(parts: readonly WeightsPart[]): Blob {
  return parts.some((part) => part.widened) ? new WidenedBlob(parts) : new Blob(parts.map((part) => part.blob));
}

class WidenedBlob extends Blob {
  constructor(private readonly parts: readonly WeightsPart[]) {
    super();
    Object.defineProperty(this, 'size', { value: parts.reduce((sum, part) => sum + sizeOf(part), 0) });
  }

  /** @throws RangeError for a bound inside a number. */
  override slice(start = 0, end = this.size): Blob {
    const chosen: WeightsPart[] = [];
    let at = 0;
    for (const part of this.parts) {
      const [from, to] = [Math.max(start, at) - at, Math.min(end, at + sizeOf(part)) - at];
      if (from < to) chosen.push({ ...part, blob: part.blob.slice(inFile(from, part), inFile(to, part)) });
      at += sizeOf(part);
    }
    return new WidenedBlob(chosen);
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const pieces = this.pieces();
    return new ReadableStream({
      async pull(controller) {
        const next = await pieces.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
    });
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const all = new Uint8Array(this.size);
    let at = 0;
    for await (const piece of this.pieces()) {
      all.set(piece, at);
      at += piece.length;
    }
    return all.buffer;
  }

  private async *pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const { blob, widened } of this.parts) {
      for (let at = 0; at < blob.size; at += PIECE) {
        const bytes = await blob.slice(at, at + PIECE).arrayBuffer();
        yield new Uint8Array(widened ? float16ToFloat32(new Uint16Array(bytes)).buffer : bytes);
      }
    }
  }
}

function sizeOf({ blob, widened }: WeightsPart): number {
  return widened ? 2 * blob.size : blob.size;
}

function inFile(place: number, { widened }: WeightsPart): number {
  if (!widened) return place;
  if (place % 4 === 0) return place / 2;
  throw new RangeError(`Byte ${place} lies inside a number.`);
}
