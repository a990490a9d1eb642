// What the model that was chosen has done to the settings, and the way back.

import { useModels } from '../../store/models';
import { useStore } from '../../store/store';
import styles from './ModelPanel.module.css';
import { saidByName, usualText } from './modelWords';

export function ModelPanelUsual() {
  const brought = useStore((store) => store.brought);
  const { byName } = useModels(({ choice }) => choice.vae?.own ?? choice);
  const { answerBrought } = useStore.getState();
  if (!brought) return null;
  const [set, kept] = [usualText(brought.set), usualText(brought.kept)];
  return (
    <div className={styles.usual} role="group" aria-label="Usual settings">
      {byName && <p className={styles.quiet}>{saidByName(byName)}</p>}
      {set && (
        <p className={styles.quiet} aria-live="polite">
          Set for {brought.model}: {set}.
        </p>
      )}
      {kept && (
        <p className={styles.quiet}>
          Yours were kept; {brought.model} usually has {kept}.
        </p>
      )}
      <div className={styles.actions}>
        {set && (
          <button type="button" onClick={() => answerBrought('undo')}>
            Undo
          </button>
        )}
        {kept && (
          <button type="button" onClick={() => answerBrought('setAll')}>
            Set {set ? 'these too' : 'these'}
          </button>
        )}
        <button type="button" onClick={() => answerBrought('keep')}>
          Keep
        </button>
      </div>
    </div>
  );
}
