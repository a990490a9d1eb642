// Goes on from a step with other settings: those of the form hold from there on.

import { useId } from 'react';
import { useModels } from '../../store/models';
import { useStore } from '../../store/store';
import styles from './Timeline.module.css';

/** @param step from 0 */
export function FromHereOn({ step }: { readonly step: number }) {
  const about = useId();
  const isFinished = useStore((store) => store.job.shown?.stats != null);
  const ref = useStore((store) => store.job.shown?.ref);
  const isSameModel = useModels((models) => models.choice.ref.id === ref);
  const why = !isSameModel
    ? 'This pair is of another model than the one that is chosen.'
    : step === 0
      ? 'Choose a later step: from the first one on it is another run.'
      : 'Other prompts, CFG scale, PAG scale or layers for the steps from here on: those before are not run again.';
  return (
    <div className={styles.branch}>
      <button
        type="button"
        aria-describedby={about}
        disabled={!isFinished || !isSameModel || step === 0}
        onClick={() => useStore.getState().branch(step)}
      >
        From here on
      </button>
      <p id={about}>{why}</p>
    </div>
  );
}
