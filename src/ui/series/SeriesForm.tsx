// The axes of a series and their values, what it will take, and its start.

import { useId, useMemo } from 'react';
import { useModels } from '../../store/models';
import { AXES, planOf, uselessAxis, useSeries, type AxisName, type AxisText, type Begins } from '../../store/series';
import { weighSeries } from '../../store/seriesCost';
import { useStartImage } from '../../store/startImage';
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
  const ref = useModels((store) => store.choice.ref.id);
  const { setAxes, begin } = useSeries.getState();
  const hasMask = useStartImage(({ chosen }) => chosen?.image.mask !== undefined);
  const begins: Begins = !fromImage ? 'noise' : hasMask ? 'mask' : 'start image';
  const { plan, why } = useMemo(() => planOf(settings, across, down, begins), [settings, across, down, begins]);
  const cost = useMemo(
    () => plan && costText(plan.cells.length, weighSeries(plan, { measured, model }, fromImage, ref)),
    [plan, measured, model, fromImage, ref],
  );
  return (
    <div className={styles.form}>
      <AxisField label="Columns" axis={across} begins={begins} onChange={(axis) => axis && setAxes({ across: axis })} />
      <AxisField label="Rows" axis={down} begins={begins} none onChange={(axis) => setAxes({ down: axis })} />
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

const NAMES = Object.keys(AXES) as AxisName[];

interface AxisProps {
  readonly label: 'Columns' | 'Rows';
  readonly axis: AxisText | null;
  readonly begins: Begins;
  /** Whether there may be none. */
  readonly none?: boolean;
  readonly onChange: (axis: AxisText | null) => void;
}

function AxisField({ label, axis, begins, none = false, onChange }: AxisProps) {
  const id = useId();
  const choose = (name: string) =>
    onChange(name === '' ? null : { name: name as AxisName, text: axis?.name === name ? axis.text : '' });
  return (
    <div className={styles.axis}>
      <label htmlFor={id}>{label}</label>
      <select id={id} value={axis?.name ?? ''} onChange={(event) => choose(event.target.value)}>
        {none && <option value="">None</option>}
        {NAMES.filter((name) => name === axis?.name || uselessAxis(name, begins) === null).map((name) => (
          <option key={name} value={name}>
            {AXES[name].label}
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
