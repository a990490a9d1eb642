// Errors of the page that nobody caught: they are said, so that a button which does nothing has a reason, and one can
// report it. What is drawn is guarded by boundaries of its own.

import { create } from 'zustand';

export interface PageError {
  readonly message: string;
  /** What a report needs. */
  readonly detail: string;
  /** How often it came. */
  readonly times: number;
}

interface PageErrors {
  /** The last one; null where there is none, or it was read. */
  readonly error: PageError | null;
  readonly note: (thrown: unknown) => void;
  readonly dismiss: () => void;
}

export const usePageErrors = create<PageErrors>()((set) => ({
  error: null,
  note: (thrown) => {
    // Somebody changed their mind: nothing to be told.
    if (thrown instanceof DOMException && thrown.name === 'AbortError') return;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const detail = thrown instanceof Error ? (thrown.stack ?? '') : '';
    set(({ error }) => ({ error: { message, detail, times: error?.message === message ? error.times + 1 : 1 } }));
  },
  dismiss: () => set({ error: null }),
}));

/** Hears what is thrown from now on. */
export function listenForErrors(): void {
  const { note } = usePageErrors.getState();
  // Without an error object it is of the browser's own (a ResizeObserver that comes again), or of an extension's
  // script.
  window.addEventListener('error', ({ error }) => error != null && note(error));
  window.addEventListener('unhandledrejection', ({ reason }) => note(reason));
}
