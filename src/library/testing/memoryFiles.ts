// The private file system in memory, as far as the model store uses it: folders, files that one writer has open at a
// time, and the errors that browsers throw, by their names. A reload, or another tab, is another reader of the same.

export class MemoryFolder {
  readonly kind = 'directory';
  readonly children = new Map<string, MemoryFolder | MemoryFile>();
  /** While it is set, nothing here can be taken away. */
  held = false;

  getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryFolder> {
    return this.take(name, create, MemoryFolder, () => new MemoryFolder());
  }

  getFileHandle(name: string, { create = false } = {}): Promise<MemoryFile> {
    return this.take(name, create, MemoryFile, () => new MemoryFile(this, name));
  }

  async removeEntry(name: string): Promise<void> {
    await turn();
    if (this.held) throw new DOMException(name, 'NoModificationAllowedError');
    if (!this.children.delete(name)) throw notFound(name);
  }

  async *entries(): AsyncGenerator<[string, MemoryFolder | MemoryFile]> {
    for (const entry of this.children) {
      await turn();
      yield entry;
    }
  }

  /** What is below it, as `folder/file`. */
  paths(): string[] {
    return [...this.children].flatMap(([name, child]) =>
      child instanceof MemoryFile ? [name] : child.paths().map((path) => `${name}/${path}`),
    );
  }

  /** Stands for a file that was written earlier. */
  async put(path: string, bytes: Uint8Array<ArrayBuffer> | string): Promise<void> {
    const [, parent = '', name = path] = /^(.+)\/(.+)$/.exec(path) ?? [];
    const into = parent === '' ? this : await this.folderAt(parent);
    const file = await into.getFileHandle(name, { create: true });
    file.bytes = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  }

  private async folderAt(path: string): Promise<MemoryFolder> {
    const [first = '', ...rest] = path.split('/');
    const child = await this.getDirectoryHandle(first, { create: true });
    return rest.length === 0 ? child : child.folderAt(rest.join('/'));
  }

  private async take<Child extends MemoryFolder | MemoryFile>(
    name: string,
    create: boolean,
    kind: abstract new (...given: never[]) => Child,
    make: () => Child,
  ): Promise<Child> {
    await turn();
    const child = this.children.get(name) ?? (create ? make() : null);
    if (!child) throw notFound(name);
    if (!(child instanceof kind)) throw new DOMException(name, 'TypeMismatchError');
    this.children.set(name, child);
    return child;
  }
}

export class MemoryFile {
  readonly kind = 'file';
  bytes = new Uint8Array(0);
  private open = false;

  constructor(
    private readonly parent: MemoryFolder,
    private name: string,
  ) {}

  async getFile(): Promise<File> {
    await turn();
    return new File([this.bytes], this.name);
  }

  /** What is written shows when it is closed. */
  async createWritable(): Promise<{ write(text: string): Promise<void>; close(): Promise<void> }> {
    await turn();
    let written = '';
    return {
      write: async (text) => {
        await turn();
        written += text;
      },
      close: async () => {
        await turn();
        this.bytes = new TextEncoder().encode(written);
      },
    };
  }

  async createSyncAccessHandle(): Promise<
    Pick<FileSystemSyncAccessHandle, 'getSize' | 'truncate' | 'flush' | 'close'>
  > {
    await turn();
    if (this.open) throw new DOMException(this.name, 'NoModificationAllowedError');
    this.open = true;
    const handle = {
      getSize: () => this.bytes.length,
      read: (into: Uint8Array, { at }: { at: number }) => {
        const part = this.bytes.subarray(at, at + into.length);
        into.set(part);
        return part.length;
      },
      write: (bytes: Uint8Array, { at }: { at: number }) => {
        if (!this.open) throw new DOMException(this.name, 'InvalidStateError');
        const grown = new Uint8Array(Math.max(this.bytes.length, at + bytes.length));
        grown.set(this.bytes);
        grown.set(bytes, at);
        this.bytes = grown;
        return bytes.length;
      },
      truncate: (size: number) => {
        this.bytes = this.bytes.slice(0, size);
      },
      flush: () => {},
      close: () => {
        this.open = false;
      },
    };
    return handle;
  }

  async move(name: string): Promise<void> {
    await turn();
    this.parent.children.delete(this.name);
    this.parent.children.set(name, this);
    this.name = name;
  }
}

function notFound(name: string): DOMException {
  return new DOMException(name, 'NotFoundError');
}

/** A browser answers no sooner than this. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
