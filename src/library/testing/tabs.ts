// What the tabs of one origin share beside their files: locks, granted in the order of asking, and channels, which tell
// everybody but the teller.

export class MemoryLocks {
  private readonly last = new Map<string, Promise<unknown>>();
  private readonly open = new Map<string, number>();

  /** How many hold it or wait for it. */
  count(name: string): number {
    return this.open.get(name) ?? 0;
  }

  request<T>(name: string, ...rest: [...([{ ifAvailable?: boolean }] | []), (lock: object | null) => Promise<T>]) {
    const [options, callback] = rest.length === 2 ? rest : [{}, rest[0]];
    if (options.ifAvailable && this.count(name) > 0) return callback(null);
    this.open.set(name, this.count(name) + 1);
    const result = (this.last.get(name) ?? Promise.resolve())
      .then(() => callback({}))
      .finally(() => this.open.set(name, this.count(name) - 1));
    const over = result.catch(() => undefined);
    this.last.set(name, over);
    return result;
  }
}

/** A BroadcastChannel of its own world: what earlier tests left open hears nothing. */
export function memoryChannels(): typeof BroadcastChannel {
  const all = new Set<MemoryChannel>();
  class MemoryChannel {
    onmessage: ((message: { data: unknown }) => void) | null = null;
    constructor(readonly name: string) {
      all.add(this);
    }
    postMessage(data: unknown): void {
      for (const other of all)
        if (other !== this && other.name === this.name) setImmediate(() => other.onmessage?.({ data }));
    }
  }
  return MemoryChannel as unknown as typeof BroadcastChannel;
}
