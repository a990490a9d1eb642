// Repair: an image, and no text. Where nothing says what is to be seen CFG has nothing to pull towards; PAG needs none.

import { useRepair } from '../../store/repair';
import styles from './StartImage.module.css';

export function RepairPreset() {
  const repaired = useRepair((store) => store.repaired);
  const { repair, undo, keep } = useRepair.getState();
  return (
    <div className={styles.mask} role="group" aria-label="Repair">
      {repaired ? (
        <>
          <p className={styles.hint} aria-live="polite">
            Set to repair: {repaired.text}.
          </p>
          <div className={styles.actions}>
            <button type="button" onClick={undo}>
              Undo
            </button>
            <button type="button" onClick={keep}>
              Keep
            </button>
          </div>
        </>
      ) : (
        <div className={styles.actions}>
          <button type="button" onClick={repair}>
            Repair with PAG alone
          </button>
        </div>
      )}
      <p className={styles.hint}>
        No text and a CFG scale of 1: PAG steers towards structure by itself, with two rows a step, of which one is
        forked off the other.
      </p>
    </div>
  );
}
