// A Blob whose bytes are made when they are read. ONNX Runtime asks a Blob for its size, slices of it, and their bytes,
// which it copies piece by piece: a piece is let go when the next one is asked for.

export abstract class ComputedBlob extends Blob {
  /** @param size bytes. */
  constructor(size: number) {
    super();
    Object.defineProperty(this, 'size', { value: size });
  }

  /** @throws RangeError for a bound inside a number. */
  abstract override slice(start?: number, end?: number): Blob;

  /** All its bytes, in order. */
  protected abstract pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>>;

  /** Each piece may be read until the next is asked for. */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const pieces = this.pieces();
    let before: Uint8Array<ArrayBuffer> | null = null;
    return new ReadableStream(
      {
        async pull(controller) {
          if (before) release(before);
          const next = await pieces.next();
          before = next.done ? null : next.value;
          if (next.done) controller.close();
          else controller.enqueue(next.value);
        },
      },
      // None is made before it is asked for.
      { highWaterMark: 0 },
    );
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const all = new Uint8Array(this.size);
    let at = 0;
    for await (const piece of this.pieces()) {
      all.set(piece, at);
      at += piece.length;
      release(piece);
    }
    return all.buffer;
  }
}

export async function bytesOf(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await blob.arrayBuffer());
}

/**
 * Gives memory back that nobody reads any more: until a garbage collector sees to it, a hundred megabytes may have come
 * together. Browsers without `transfer` leave it to that.
 */
export function release({ buffer }: Uint8Array<ArrayBuffer>): void {
  (buffer as { transfer?: (length: number) => ArrayBuffer }).transfer?.(0);
}
