// What stands in the page's place when the page itself cannot be drawn. It is made of as little as possible, and gives
// the last picture out before anything else is tried.

import { savePng } from '../../store/saveFile';
import { useStore } from '../../store/store';
import { ErrorDetail } from './ErrorBoundary';
import alert from './ErrorAlert.module.css';
import styles from './PageFailure.module.css';

export function PageFailure({ error, again }: { readonly error: unknown; readonly again: () => void }) {
  const finished = useStore((store) => store.job.finished);
  return (
    <main className={styles.page}>
      <h1>Pagoda</h1>
      <div className={alert.alert} role="alert">
        <p>
          Because of an error in Pagoda this page could not be drawn. Your settings are kept, and so is
          {finished ? ' the last picture; only a reload would lose it.' : ' everything that is stored.'}
        </p>
        <div className={alert.actions}>
          <button type="button" onClick={again}>
            Show the page again
          </button>
          {finished && (
            <button type="button" onClick={() => void savePng(finished)}>
              Save PNG
            </button>
          )}
          <button type="button" onClick={() => location.reload()}>
            Reload
          </button>
        </div>
        <ErrorDetail error={error} />
      </div>
    </main>
  );
}
