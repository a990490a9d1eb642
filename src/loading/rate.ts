// Speed over the last seconds: bytes that came within the window, over its length. A resumed file's old bytes are
// not counted.

const WINDOW = 5;

export class Rate {
  private readonly samples: { readonly at: number; readonly bytes: number }[] = [];

  /** @param seconds of any monotonic clock. */
  add(bytes: number, seconds: number): void {
    this.samples.push({ at: seconds, bytes });
    while ((this.samples[0]?.at ?? seconds) < seconds - WINDOW) this.samples.shift();
  }

  /** Bytes per second; null until a second has been watched. */
  perSecond(seconds: number): number | null {
    const recent = this.samples.filter((sample) => sample.at >= seconds - WINDOW);
    const first = recent[0];
    if (!first || seconds - first.at < 1) return null;
    return recent.slice(1).reduce((sum, sample) => sum + sample.bytes, 0) / (seconds - first.at);
  }
}
