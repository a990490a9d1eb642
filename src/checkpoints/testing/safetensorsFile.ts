// Writes .safetensors files for tests, right and wrong ones.

export interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A file of these tensors in their order. `padding` spaces follow the header, as writers do that align their data. */
export function safetensorsFile(
  tensors: ReadonlyMap<string, Entry>,
  metadata: Readonly<Record<string, string>> = {},
  padding = 0,
): Blob {
  let end = 0;
  const entries = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    const begin = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const header = {
    ...(Object.keys(metadata).length > 0 && { __metadata__: metadata }),
    ...Object.fromEntries(entries),
  };
  return fileOf(
    JSON.stringify(header) + ' '.repeat(padding),
    [...tensors.values()].map(({ bytes }) => bytes),
  );
}

/** A file with this text as its header, whatever it says. */
export function fileOf(header: string, data: readonly BlobPart[] = []): Blob {
  const text = new TextEncoder().encode(header);
  return new Blob([lengthBytes(BigInt(text.length)), text, ...data]);
}

export function lengthBytes(length: bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
}
