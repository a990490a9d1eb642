// An error of the page itself that nobody caught. What it has broken is not known, so the page goes on.

import { usePageErrors } from '../../store/pageErrors';
import styles from './ErrorAlert.module.css';
import { shortened } from '../words';

export function PageErrorAlert() {
  const error = usePageErrors((errors) => errors.error);
  if (!error) return null;
  const { message, detail, times } = error;
  return (
    <div className={styles.alert} role="alert">
      <p>
        Something in Pagoda failed{times > 1 && ` (${times} times)`}: {shortened(message) || 'no reason was given'}.
        Your settings and pictures are kept. If something does not answer any more, save your picture and reload the
        page.
      </p>
      <div className={styles.actions}>
        <button type="button" onClick={() => usePageErrors.getState().dismiss()}>
          Dismiss
        </button>
        <button type="button" onClick={() => location.reload()}>
          Reload
        </button>
      </div>
      {detail && (
        <details>
          <summary>Technical detail</summary>
          <pre>{detail}</pre>
        </details>
      )}
    </div>
  );
}
