// One count over all bytes that are to be loaded, of ONNX Runtime and of the model, for one bar with a time left. What
// will come is known beforehand where sizes were written down; else from what the server says.

import { Rate } from '../loading/rate';
import type { LoadingEvent } from '../protocol/events';

interface Part {
  loaded: number;
  total: number | null;
}

/** Milliseconds between two events while bytes come. */
const TELL_MS = 100;

export class LoadTally {
  private readonly parts = new Map<string, Part>();
  private readonly rate = new Rate();
  private what = '';
  private told = -Infinity;

  constructor(
    private readonly emit: (event: LoadingEvent) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Sizes by name of what is to come. */
  expect(bytes: Readonly<Record<string, number>>): void {
    for (const [name, total] of Object.entries(bytes))
      if (!this.parts.has(name)) this.parts.set(name, { loaded: 0, total });
  }

  /** Bytes of `name` that are there; what the server says of its size counts from its first byte on. */
  count(name: string, loaded: number, total: number | null): void {
    const part = this.parts.get(name) ?? { loaded: 0, total: null };
    this.parts.set(name, part);
    this.rate.add(loaded - part.loaded, this.now() / 1000);
    part.loaded = loaded;
    part.total = total ?? part.total;
    if (part.total !== null && part.total < loaded) part.total = loaded;
    if (this.now() - this.told >= TELL_MS) this.say();
  }

  /** All of `name` has come. */
  finish(name: string, bytes: number): void {
    this.count(name, bytes, bytes);
  }

  /** Says what is under way, for people. */
  tell(what: string): void {
    if (what === this.what) return;
    this.what = what;
    this.say();
  }

  private say(): void {
    this.told = this.now();
    const parts = [...this.parts.values()];
    const loadedBytes = parts.reduce((sum, { loaded }) => sum + loaded, 0);
    const totalBytes = parts.some(({ total }) => total === null)
      ? null
      : parts.reduce((sum, { total }) => sum + (total ?? 0), 0);
    const rate = this.rate.perSecond(this.told / 1000);
    const secondsLeft = totalBytes === null || rate === null || rate === 0 ? null : (totalBytes - loadedBytes) / rate;
    this.emit({ type: 'loading', what: this.what, loadedBytes, totalBytes, secondsLeft });
  }
}
