// Reads a Blob from front to back through a window, so that a 2 GB model can be scanned without ever being in
// memory: what is skipped is never read. Reading past the end is a WireError, also where the blob is only
// the beginning of a longer file.

import { WireError } from './protobuf';

const WINDOW = 256 * 1024;
/** Messages are read whole; weights, which may be larger, are not read. */
const MAX_READ = 256 * 1024 * 1024;

export class BlobReader {
  /** Offset in the blob of the next byte to read. */
  at = 0;
  private window = new Uint8Array(0);
  private windowStart = 0;

  /** @param size of the whole file. */
  constructor(
    private readonly blob: Blob,
    readonly size = blob.size,
  ) {}

  /** Reads `length` bytes. The result may be a view into the window: copy it to keep it past the next call. */
  async read(length: number): Promise<Uint8Array> {
    if (length > this.size - this.at) throw new WireError('The file ends before the data that it announces.');
    if (length > MAX_READ) throw new WireError(`A message of ${length} bytes is no part of a graph.`);
    const inside = this.at - this.windowStart;
    if (inside < 0 || inside + length > this.window.length) await this.fill(length);
    const start = this.at - this.windowStart;
    this.at += length;
    return this.window.subarray(start, start + length);
  }

  skip(length: number): void {
    if (length > this.size - this.at) throw new WireError('The file ends before the data that it announces.');
    this.at += length;
  }

  /** An unsigned varint that must fit a safe integer: keys and lengths. */
  async varint(): Promise<number> {
    let value = 0;
    for (let i = 0; i < 8; i += 1) {
      const byte = (await this.read(1))[0]!;
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
    }
    throw new WireError('A length is not a number that makes sense.');
  }

  /** A varint whose value does not matter here or may be a negative int64. */
  async varint64(): Promise<bigint> {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = (await this.read(1))[0]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
    throw new WireError('A number is longer than 10 bytes.');
  }

  private async fill(length: number): Promise<void> {
    if (this.at + length > this.blob.size) throw new WireError('The rest of the file is not here.');
    const end = Math.min(this.blob.size, this.at + Math.max(length, WINDOW));
    this.window = new Uint8Array(await this.blob.slice(this.at, end).arrayBuffer());
    this.windowStart = this.at;
  }
}
