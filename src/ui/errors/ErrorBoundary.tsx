// What becomes of a part of the page that throws while it is drawn: React takes out everything up to the next boundary,
// which without one is the whole page. Settings and pictures are in the store, out of reach of that; so what was taken
// out can be drawn again, by a button or as soon as what it is drawn from has changed.

import { Component, type ReactNode } from 'react';
import { useStore } from '../../store/store';
import styles from './ErrorAlert.module.css';

interface Props {
  readonly children: ReactNode;
  /** Drawn again when one of these is another; always of the same length. */
  readonly until: readonly unknown[];
  readonly fallback: (error: unknown, again: () => void) => ReactNode;
}

interface State {
  readonly caught: { readonly error: unknown } | null;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { caught: null };

  static getDerivedStateFromError(error: unknown): State {
    return { caught: { error } };
  }

  override componentDidUpdate(before: Props): void {
    if (this.state.caught && this.props.until.some((value, at) => value !== before.until[at])) this.again();
  }

  readonly again = (): void => this.setState({ caught: null });

  override render(): ReactNode {
    const { caught } = this.state;
    return caught ? this.props.fallback(caught.error, this.again) : this.props.children;
  }
}

/** A part that the rest of the page can do without. `name` begins a sentence: "The recipe". */
export function Region({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  const settings = useStore((store) => store.settings);
  const model = useStore((store) => store.job.model);
  const shown = useStore((store) => store.job.shown);
  return (
    <ErrorBoundary
      until={[settings, model, shown]}
      fallback={(error, again) => (
        <div className={styles.alert} role="alert">
          <p>
            {name} cannot be shown because of an error in Pagoda. Everything else, your settings and pictures too, is as
            it was.
          </p>
          <div className={styles.actions}>
            <button type="button" onClick={again}>
              Show it again
            </button>
          </div>
          <ErrorDetail error={error} />
        </div>
      )}
    >
      {children}
    </ErrorBoundary>
  );
}

/** For a report of the fault. */
export function ErrorDetail({ error }: { readonly error: unknown }) {
  return (
    <details>
      <summary>Technical detail</summary>
      <pre>{error instanceof Error ? (error.stack ?? error.message) : String(error)}</pre>
    </details>
  );
}
