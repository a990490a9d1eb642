// The PAG scale as a slider. A native range input holds the true scale, for keyboard and screen readers; the
// track that one sees and drags is drawn over it, because its travel is not linear.

import type { PointerEvent } from 'react';
import styles from './PagSlider.module.css';
import { BANDS, bandOf, fromTravel, toTravel } from './pagTravel';

interface Props {
  readonly value: number;
  readonly onChange: (value: number) => void;
}

export function PagSlider({ value, onChange }: Props) {
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    onChange(fromTravel((event.clientX - box.left) / box.width));
  };
  const current = bandOf(value);
  return (
    <div className={styles.slider}>
      <div
        className={styles.track}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drag(event);
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) drag(event);
        }}
      >
        <input
          type="range"
          aria-label="PAG scale"
          aria-valuetext={`${value}, ${current}`}
          min={0}
          max={100}
          step={0.1}
          value={value}
          onChange={(event) => onChange(Number(event.target.value))}
        />
        <div className={styles.fill} style={{ width: `${100 * toTravel(value)}%` }} />
        <div className={styles.thumb} style={{ left: `${100 * toTravel(value)}%` }} />
      </div>
      <div className={styles.bands} aria-hidden="true">
        {BANDS.filter((band) => band.name !== 'off').map((band) => (
          <span
            key={band.name}
            className={band.name === current ? styles.current : undefined}
            style={{
              left: `${100 * toTravel(band.from)}%`,
              width: `${100 * (toTravel(band.to) - toTravel(band.from))}%`,
            }}
          >
            {band.name}
          </span>
        ))}
      </div>
    </div>
  );
}
