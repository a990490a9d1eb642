// What went wrong with the models, where it was asked for. After an update of the page only a reload helps.

import type { ReactNode } from 'react';
import type { FetchErrorData } from '../../library/fetchError';
import styles from './ModelPanel.module.css';

export function ModelPanelError({
  error,
  children,
}: {
  readonly error: FetchErrorData;
  readonly children?: ReactNode;
}) {
  return (
    <div className={styles.error} role="alert">
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
