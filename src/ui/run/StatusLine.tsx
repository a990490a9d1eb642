// The line at the foot: the device, and what is going on.

import { useStore } from '../../store/store';
import { DeviceReport } from '../device/DeviceReport';
import styles from './StatusLine.module.css';
import { OFFLINE, PLAIN_HTTP, deviceText, noticesOf, progressText, shortened } from '../words';

export function StatusLine() {
  const job = useStore((store) => store.job);
  const offline = useStore((store) => store.offline);
  const now = job.error ? shortened(job.error.message) : progressText(job);
  const parts = [
    // What it waits for, or why it does not start, says more.
    job.device || !now ? deviceText(job.device) : '',
    ...noticesOf(job),
    now,
    offline ? OFFLINE[offline] : '',
    isSecureContext ? '' : PLAIN_HTTP,
  ];
  // It changes with each step, which is too much to be said aloud: Announcer does that.
  return (
    <footer className={styles.line}>
      <span role="status" aria-live="off">
        {parts.filter(Boolean).join(' · ')}
      </span>
      <DeviceReport className={styles.report} />
    </footer>
  );
}
