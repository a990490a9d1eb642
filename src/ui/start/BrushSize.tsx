// The brush's diameter in pixels of the picture, as a slider whose travel is logarithmic: a step is the same to the eye
// anywhere.

import { useId } from 'react';
import { useStartMask } from '../../store/startMask';
import styles from './MaskEditor.module.css';

const STEPS = 100;

/** @param longest edge of the picture, which is the largest brush. */
export function BrushSize({ longest }: { readonly longest: number }) {
  const id = useId();
  const brush = useStartMask((store) => store.brush);
  const { setBrush } = useStartMask.getState();
  const most = Math.log(Math.max(2, longest));
  const travel = Math.round((STEPS * Math.log(Math.max(1, brush))) / most);
  const shown = brush < 10 ? Number(brush.toFixed(1)) : Math.round(brush);
  return (
    <div className={styles.size}>
      <label htmlFor={id}>Size</label>
      <input
        id={id}
        type="range"
        min={0}
        max={STEPS}
        value={travel}
        aria-valuetext={`${shown} pixels`}
        onChange={(event) => setBrush(Math.exp((Number(event.target.value) * most) / STEPS))}
      />
      <output htmlFor={id}>{shown} px</output>
    </div>
  );
}
