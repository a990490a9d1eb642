// Over the steps: how far CFG's and PAG's predictions are apart, ‖ε_c − ε_∅‖ and ‖ε_c − ε̂‖ on one scale, and s on its
// own. A dashed line stands where the run went on with other settings. A pointer over it chooses the step, whose values
// stand below.

import type { PointerEvent } from 'react';
import type { StepTrace } from '../../protocol/runSteps';
import styles from './Timeline.module.css';

interface Props {
  readonly steps: readonly StepTrace[];
  readonly at: number;
  /** Steps from which on the run has other settings. */
  readonly changes: readonly number[];
  readonly onChoose: (step: number) => void;
}

const WIDTH = 640;
const HEIGHT = 120;
const MARGIN = 10;

const CURVES = [
  { name: '‖ε_c − ε_∅‖ (CFG)', style: 'cfg', of: ({ norms }: StepTrace) => norms.cfg },
  { name: '‖ε_c − ε̂‖ (PAG)', style: 'pag', of: ({ norms }: StepTrace) => norms.pag },
  { name: 's', style: 'scale', of: ({ pagScale }: StepTrace) => pagScale },
] as const;

export function TimelineCurves({ steps, at, changes, onChoose }: Props) {
  const x = (index: number) => MARGIN + (index / Math.max(1, steps.length - 1)) * (WIDTH - 2 * MARGIN);
  const most = Math.max(1e-9, ...steps.flatMap(({ norms }) => [norms.cfg ?? 0, norms.pag ?? 0]));
  const mostScale = Math.max(1e-9, ...steps.map(({ pagScale }) => pagScale));
  const choose = (event: PointerEvent<SVGSVGElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const part = (((event.clientX - left) / width) * WIDTH - MARGIN) / (WIDTH - 2 * MARGIN);
    onChoose(Math.max(0, Math.min(steps.length - 1, Math.round(part * (steps.length - 1)))));
  };
  const step = steps[at]!;
  return (
    <figure className={styles.curves}>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label="How far the predictions are apart over the steps"
        onPointerMove={choose}
        onPointerDown={choose}
      >
        {changes.map((step) => (
          <line key={step} x1={x(step)} x2={x(step)} y1={0} y2={HEIGHT} className={styles.changed} />
        ))}
        <line x1={x(at)} x2={x(at)} y1={0} y2={HEIGHT} className={styles.now} />
        {CURVES.map(({ style, of }) => {
          const top = style === 'scale' ? mostScale : most;
          const points = steps.flatMap((one, index) => {
            const value = of(one);
            return value === null ? [] : [`${x(index)},${HEIGHT - MARGIN - (value / top) * (HEIGHT - 2 * MARGIN)}`];
          });
          return <polyline key={style} points={points.join(' ')} className={styles[style]} />;
        })}
      </svg>
      <figcaption>
        {CURVES.map(({ name, style, of }) => (
          <span key={style}>
            <i className={styles[style]} aria-hidden="true" /> {name} {shown(of(step))}
          </span>
        ))}
        <span>σ {shown(step.sigma)}</span>
      </figcaption>
    </figure>
  );
}

function shown(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(3)));
}
