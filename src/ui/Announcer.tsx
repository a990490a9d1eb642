// What a screen reader says by itself: the device, what is to be known of the model, and of a run its start, each fifth
// of the way and its end. The line at the foot says more, to be read; errors speak for themselves, as alerts.

import { useStore } from '../store/store';
import styles from './Announcer.module.css';
import { announcementOf, deviceText, noticesOf } from './words';

export function Announcer() {
  const job = useStore((store) => store.job);
  return (
    <div className={styles.heard} aria-live="polite">
      <p>{[job.device ? deviceText(job.device) : '', ...noticesOf(job)].filter(Boolean).join(' ')}</p>
      <p>{announcementOf(job)}</p>
    </div>
  );
}
