// A Blob whose bytes are made when they are read. ONNX Runtime asks a Blob for its size, slices of it, and their bytes.

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
}

export async function bytesOf(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await blob.arrayBuffer());
}
