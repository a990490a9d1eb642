// Generate, Cancel, Save, and how far the run is. On a phone it stays within thumb's reach.

import { savePng } from '../../store/saveFile';
import { useStore } from '../../store/store';
import styles from './RunBar.module.css';
import { fractionOf, progressText } from '../words';

export function RunBar() {
  const job = useStore((store) => store.job);
  const { generate, cancel } = useStore.getState();
  const running = job.runs.length > 0;
  const { progress, shown } = job;
  const loaded = job.loading?.totalBytes ? job.loading.loadedBytes / job.loading.totalBytes : null;
  const fraction = progress
    ? fractionOf(progress)
    : running || job.loading
      ? (loaded ?? 0)
      : job.lastEnd === 'done'
        ? 1
        : 0;
  return (
    <div className={styles.bar}>
      <div
        className={styles.progress}
        role="progressbar"
        aria-label="Progress"
        aria-valuemin={0}
        aria-valuemax={progress?.steps ?? 1}
        aria-valuenow={progress?.step ?? fraction}
        aria-valuetext={progressText(job)}
      >
        <div style={{ transform: `scaleX(${fraction})` }} />
      </div>
      <div className={styles.actions}>
        <button type="button" className={styles.generate} data-home onClick={generate}>
          Generate
        </button>
        <button type="button" className={styles.cancel} onClick={cancel} disabled={!running}>
          {job.cancelling ? 'Cancelling…' : 'Cancel'}
        </button>
        <button type="button" onClick={() => shown?.stats && void savePng(shown)} disabled={!shown?.stats}>
          Save PNG
        </button>
        <span className={styles.text} aria-hidden="true">
          {progressText(job)}
        </span>
      </div>
    </div>
  );
}
