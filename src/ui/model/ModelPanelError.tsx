// What went wrong with the models, where it was asked for. After an update of the page only a reload helps.

import { useEffect, useRef, type ReactNode } from 'react';
import type { FetchErrorData } from '../../library/fetchError';
import styles from './ModelPanel.module.css';

export function ModelPanelError({
  error,
  children,
}: {
  readonly error: FetchErrorData;
  readonly children?: ReactNode;
}) {
  const element = useRef<HTMLDivElement>(null);
  // On a phone the dialog scrolls, and what was pressed may be its last line.
  // (Newer browsers return a promise of the scroll's end, which React would take for a clean-up.)
  useEffect(() => {
    element.current?.scrollIntoView({ block: 'nearest' });
  }, [error.message]);
  return (
    <div ref={element} className={styles.error} role="alert">
      <p>{error.message}</p>
      {error.code === 'version-gone' ? (
        <button type="button" onClick={() => location.reload()}>
          Reload the page
        </button>
      ) : (
        children
      )}
      {error.detail && (
        <details>
          <summary>Technical detail</summary>
          <pre>{error.detail}</pre>
        </details>
      )}
    </div>
  );
}
