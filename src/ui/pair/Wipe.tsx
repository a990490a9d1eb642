// Both pictures in one place with a border that is dragged, or moved with ← →.

import { useState, type KeyboardEvent, type PointerEvent } from 'react';
import type { Pixels, Size } from '../../protocol/pictureData';
import styles from './PairView.module.css';
import { Picture } from './Picture';

interface Props {
  readonly without: Pixels;
  readonly withPag: Pixels;
  readonly size: Size;
  readonly box: Size;
  readonly flipped: boolean;
}

export function Wipe({ without, withPag, size, box, flipped }: Props) {
  const [percent, setPercent] = useState(50);
  const border = flipped ? (percent > 50 ? 0 : 100) : percent;
  const caption = border === 0 ? 'With PAG' : border === 100 ? 'Without PAG' : 'Without PAG | With PAG';
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setPercent(Math.round(Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100))));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -2, ArrowRight: 2, Home: -100, End: 100 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    setPercent(Math.min(100, Math.max(0, percent + step)));
  };
  return (
    <figure className={styles.figure}>
      <div
        className={styles.wipe}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drag(event);
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) drag(event);
        }}
      >
        <Picture name="With PAG" pixels={withPag} size={size} box={box} />
        <Picture
          name="Without PAG"
          pixels={without}
          size={size}
          box={box}
          style={{ clipPath: `inset(0 ${100 - border}% 0 0)` }}
        />
        <div
          className={styles.handle}
          role="slider"
          tabIndex={0}
          aria-label="Wipe"
          aria-valuenow={percent}
          aria-valuemin={0}
          aria-valuemax={100}
          style={{ left: `${border}%` }}
          onKeyDown={onKeyDown}
        />
      </div>
      <figcaption aria-hidden="true">{caption}</figcaption>
    </figure>
  );
}
