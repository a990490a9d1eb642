// The grid of a series: a table with a label for each column and row, or of one axis a list that wraps. A picture that
// is there is a button that puts it back with its settings.

import { useMemo } from 'react';
import { shareOf } from '../../store/drawnUnet';
import { useHistory } from '../../store/history';
import { AXES, type CellOutcome, type SeriesRun } from '../../store/series';
import { useStore } from '../../store/store';
import { Thumbnail } from '../history/Thumbnail';
import { entryText } from '../history/historyWords';
import styles from './Series.module.css';

export function SeriesGrid({ series: { plan, outcomes, across, down, phase } }: { readonly series: SeriesRun }) {
  const model = useStore((store) => store.job.model);
  const shares = useMemo(
    () => (model && across.name === 'layers' ? plan.columns.map((layers) => shareOf(model, layers)) : []),
    [model, across.name, plan.columns],
  );
  const outcomeAt = (column: number, row: number) =>
    outcomes[plan.cells.findIndex((cell) => cell.column === column && cell.row === row)] ?? null;
  if (!down)
    return (
      <ul className={styles.list} aria-label={AXES[across.name].label}>
        {plan.columns.map((label, column) => (
          <li key={column}>
            <strong>{label}</strong>
            <Cost share={shares[column] ?? null} />
            <Cell outcome={outcomeAt(column, 0)} isRunning={phase === 'running'} />
          </li>
        ))}
      </ul>
    );
  return (
    <div className={styles.scroll} tabIndex={0} role="group" aria-label="Grid">
      <table className={styles.grid}>
        <caption>
          {AXES[across.name].label} across, {AXES[down.name].label} down
        </caption>
        <thead>
          <tr>
            <td />
            {plan.columns.map((label, column) => (
              <th key={column} scope="col">
                {label}
                <Cost share={shares[column] ?? null} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {plan.rows.map((label, row) => (
            <tr key={row}>
              <th scope="row">{label}</th>
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

/** What a choice of layers costs. */
function Cost({ share }: { readonly share: number | null }) {
  if (share === null) return null;
  return (
    <small title="Part of the UNet that the perturbed prediction runs for itself">+{Math.round(100 * share)} %</small>
  );
}

function Cell({ outcome, isRunning }: { readonly outcome: CellOutcome; readonly isRunning: boolean }) {
  const id = outcome && 'id' in outcome ? outcome.id : null;
  const change = outcome && 'id' in outcome ? outcome.change : undefined;
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
    <figure className={styles.figure}>
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
      {change !== undefined && (
        <figcaption title="Mean difference to the picture without PAG, in levels of 255">
          differs by {change.toFixed(1)}
        </figcaption>
      )}
    </figure>
  );
}
