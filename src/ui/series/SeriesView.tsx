// A series in the pictures' place: what it goes over, what it takes before it starts, and the grid as it fills.

import { useMemo } from 'react';
import { useSeries } from '../../store/series';
import { useStore } from '../../store/store';
import { SeriesForm } from './SeriesForm';
import { SeriesGrid } from './SeriesGrid';
import styles from './Series.module.css';
import { progressOf } from './seriesWords';

export function SeriesView() {
  const series = useSeries((store) => store.series);
  const isBusy = useStore((store) => store.job.runs.length > 0);
  const { pause, goOn, discard, save } = useSeries.getState();
  const said = useMemo(() => (series ? progressOf(series, isBusy) : ''), [series, isBusy]);
  return (
    <section className={styles.series} aria-label="Series">
      {series?.phase !== 'running' && <SeriesForm />}
      {series && (
        <>
          <div className={styles.actions}>
            <p aria-live="polite">{said}</p>
            {series.phase === 'running' ? (
              <button type="button" onClick={pause}>
                Pause series
              </button>
            ) : (
              <>
                {(series.phase === 'paused' || series.outcomes.some((one) => one && 'failed' in one)) && (
                  <button type="button" onClick={goOn}>
                    {series.phase === 'paused' ? 'Continue series' : 'Try the failed ones again'}
                  </button>
                )}
                <button type="button" onClick={discard}>
                  Discard series
                </button>
              </>
            )}
            <button
              type="button"
              disabled={!series.outcomes.some((one) => one && 'id' in one)}
              onClick={() => void save()}
            >
              Save grid as PNG
            </button>
          </div>
          <SeriesGrid series={series} />
        </>
      )}
    </section>
  );
}
