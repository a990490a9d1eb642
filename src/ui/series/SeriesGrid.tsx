// The grid of a series: a table with a label for each column and row. A picture that is there is a button that puts it
// back with its settings.

import { useHistory } from '../../store/history';
import { AXES, type CellOutcome, type SeriesRun } from '../../store/series';
import { useStore } from '../../store/store';
import { Thumbnail } from '../history/Thumbnail';
import { entryText } from '../history/historyWords';
import styles from './Series.module.css';

export function SeriesGrid({ series: { plan, outcomes, across, down, phase } }: { readonly series: SeriesRun }) {
  const outcomeAt = (column: number, row: number) =>
    outcomes[plan.cells.findIndex((cell) => cell.column === column && cell.row === row)] ?? null;
  return (
    <div className={styles.scroll} tabIndex={0} role="group" aria-label="Grid">
      <table className={styles.grid}>
        <caption>
          {AXES[across.name].label} across{down ? `, ${AXES[down.name].label} down` : ''}
        </caption>
        <thead>
          <tr>
            {down && <td />}
            {plan.columns.map((label, column) => (
              <th key={column} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {plan.rows.map((label, row) => (
            <tr key={row}>
              {down && <th scope="row">{label}</th>}
              {plan.columns.map((_, column) => (
                <td key={column}>
                  <Cell outcome={outcomeAt(column, row)} isRunning={phase === 'running'} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ outcome, isRunning }: { readonly outcome: CellOutcome; readonly isRunning: boolean }) {
  const id = outcome && 'id' in outcome ? outcome.id : null;
  const entry = useHistory(({ entries }) => (id === null ? null : (entries?.find((one) => one.id === id) ?? null)));
  if (outcome && 'failed' in outcome)
    return (
      <span className={styles.failed} title={outcome.failed}>
        Failed: {outcome.failed}
      </span>
    );
  if (!entry)
    return <span className={styles.empty}>{id === null || isRunning ? '' : 'Not in the history any more'}</span>;
  return (
    <button
      type="button"
      className={styles.cell}
      aria-label={`Put back ${entryText(entry)}`}
      title={entryText(entry)}
      onClick={() => {
        useStore.getState().setView('side');
        void useHistory.getState().restore(entry);
      }}
    >
      <Thumbnail entry={entry} />
    </button>
  );
}
