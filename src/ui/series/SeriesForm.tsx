// The axes of a series and their values, what it will take, and its start.

import { useId, useMemo } from 'react';
import { AXES, planOf, useSeries, weighSeries, type AxisName, type AxisText } from '../../store/series';
import { useFromImage, useStore } from '../../store/store';
import styles from './Series.module.css';
import { costText } from './seriesWords';

export function SeriesForm() {
  const across = useSeries((store) => store.across);
  const down = useSeries((store) => store.down);
  const settings = useStore((store) => store.settings);
  const model = useStore((store) => store.job.model);
  const measured = useStore((store) => store.job.measured);
  const fromImage = useFromImage();
  const { setAxes, begin } = useSeries.getState();
  const { plan, why } = useMemo(() => planOf(settings, across, down), [settings, across, down]);
  const cost = useMemo(
    () => plan && costText(plan.cells.length, weighSeries(plan, { measured, model }, fromImage)),
    [plan, measured, model, fromImage],
  );
  return (
    <div className={styles.form}>
      <AxisField label="Columns" axis={across} onChange={(axis) => axis && setAxes({ across: axis })} />
      <AxisField label="Rows" axis={down} none onChange={(axis) => setAxes({ down: axis })} />
      <div className={styles.start}>
        <button type="button" className={styles.primary} disabled={!plan} onClick={begin}>
          Start series
        </button>
        <p className={plan ? styles.quiet : styles.wrong} aria-live="polite">
          {plan ? cost : why}
        </p>
      </div>
    </div>
  );
}

interface AxisProps {
  readonly label: 'Columns' | 'Rows';
  readonly axis: AxisText | null;
  /** Whether there may be none. */
  readonly none?: boolean;
  readonly onChange: (axis: AxisText | null) => void;
}

function AxisField({ label, axis, none = false, onChange }: AxisProps) {
  const id = useId();
  const choose = (name: string) =>
    onChange(name === '' ? null : { name: name as AxisName, text: axis?.name === name ? axis.text : '' });
  return (
    <div className={styles.axis}>
      <label htmlFor={id}>{label}</label>
      <select id={id} value={axis?.name ?? ''} onChange={(event) => choose(event.target.value)}>
        {none && <option value="">None</option>}
        {Object.entries(AXES).map(([name, { label: axisLabel }]) => (
          <option key={name} value={name}>
            {axisLabel}
          </option>
        ))}
      </select>
      {axis && (
        <input
          type="text"
          aria-label={`Values of the ${label.toLowerCase()}`}
          placeholder={AXES[axis.name].example}
          maxLength={2000}
          value={axis.text}
          onChange={(event) => onChange({ ...axis, text: event.target.value })}
        />
      )}
    </div>
  );
}
