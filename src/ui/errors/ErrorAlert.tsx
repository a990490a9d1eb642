// An error that needs the user: what happened, what is safe, and the next action. It disables nothing.

import { useStore } from '../../store/store';
import type { EngineErrorCode } from '../../protocol/errors';
import styles from './ErrorAlert.module.css';
import { shortened } from '../words';

const CPU_HELPS: ReadonlySet<EngineErrorCode> = new Set([
  'shader-compile',
  'session-build',
  'run-failed',
  'does-not-fit',
  'device-lost',
  'out-of-memory',
  'gpu-refused',
  'not-finite',
]);

export function ErrorAlert() {
  const error = useStore((store) => store.job.error);
  const onGpu = useStore((store) => store.settings.backend === 'auto' && store.job.device?.backend === 'webgpu');
  const model = useStore((store) => store.job.model);
  const { change, generate, dismissError } = useStore.getState();
  if (!error) return null;
  const sites = error.code === 'layers-not-found' && model ? model.sites : [];
  return (
    <div className={styles.alert} role="alert">
      <p>{shortened(error.message)}</p>
      {sites.length > 0 && (
        <div className={styles.sites} role="group" aria-label="Layers of this model">
          {sites.map(({ comfyName, name }) => (
            <button
              key={name}
              type="button"
              title={name}
              onClick={() => {
                change({ layers: comfyName });
                dismissError();
              }}
            >
              {comfyName}
            </button>
          ))}
        </div>
      )}
      <div className={styles.actions}>
        {error.code === 'pag-impossible' ? (
          <button
            type="button"
            onClick={() => {
              change({ pagScale: 0 });
              generate();
            }}
          >
            Generate without PAG
          </button>
        ) : error.code === 'version-gone' ? (
          <button type="button" onClick={() => location.reload()}>
            Reload the page
          </button>
        ) : (
          <button type="button" onClick={generate}>
            Try again
          </button>
        )}
        {onGpu && CPU_HELPS.has(error.code) && (
          <button
            type="button"
            onClick={() => {
              change({ backend: 'wasm' });
              generate();
            }}
          >
            Use the CPU instead
          </button>
        )}
        <button type="button" onClick={dismissError}>
          Dismiss
        </button>
      </div>
      {sites.length === 0 && error.detail && (
        <details>
          <summary>Technical detail</summary>
          <pre>{error.detail}</pre>
        </details>
      )}
    </div>
  );
}
