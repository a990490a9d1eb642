// Work that a load has begun and the run behind it goes on with: what loads a model is not begun anew when Generate is
// pressed. Whoever waits for it may leave it to the next (HANDED_OVER); any other abort ends the work, and is answered
// only when it has ended, so that nothing is built twice at once.

import { HANDED_OVER } from '../protocol/serve';

export class SharedWork<T> {
  private readonly abort = new AbortController();
  private readonly result: Promise<T>;

  /** @param key says for whom the work is good. */
  constructor(
    readonly key: string,
    work: (signal: AbortSignal) => Promise<T>,
    onEnd: () => void,
  ) {
    this.result = work(this.abort.signal).finally(onEnd);
    this.result.catch(() => {}); // whoever waits hears of it
  }

  /** @throws what the work throws, or the reason of `signal`. */
  async wait(signal: AbortSignal): Promise<T> {
    let leave = () => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        if (signal.reason === HANDED_OVER) reject(HANDED_OVER);
        else this.abort.abort(signal.reason);
      };
    });
    left.catch(() => {});
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.result, left]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Ends it for everyone. */
  async end(): Promise<void> {
    this.abort.abort();
    await this.result.catch(() => {});
  }
}
