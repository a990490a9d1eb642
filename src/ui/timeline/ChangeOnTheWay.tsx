// What the next run changes on the way, for as long as it does: "From step 9 on: PAG scale 5", and a way to take it
// away.

import { changeLines } from '../../settings/changeWords';
import { changesOf } from '../../settings/earlierSteps';
import { useStore } from '../../store/store';
import styles from './Timeline.module.css';

export function ChangeOnTheWay() {
  const settings = useStore((store) => store.settings);
  const changes = changesOf(settings);
  const last = changes.at(-1);
  const lines = changeLines(settings);
  return (
    <div className={styles.change} aria-live="polite">
      {last && (
        <>
          <ul aria-label="Changes on the way">
            {lines.map((line, at) => (
              <li key={changes[at]!.from}>
                {Object.keys(changes[at]!.held).length > 0 ? line : yetToBeSaid(changes[at]!.from)}
              </li>
            ))}
          </ul>
          {last.from >= settings.steps && <span>The run ends before that step.</span>}
          <button type="button" onClick={() => useStore.getState().endBranch()}>
            Take away
          </button>
        </>
      )}
    </div>
  );
}

function yetToBeSaid(from: number): string {
  return `From step ${from + 1} on: what you change now of prompts, CFG scale, PAG scale and layers`;
}
