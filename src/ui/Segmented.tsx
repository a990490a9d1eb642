// One of a few short choices, side by side: native radio buttons, so that Tab stops once and the arrows choose.

import { useId } from 'react';
import styles from './Segmented.module.css';

interface Props<T extends string> {
  /** For assistive technology; `labelledBy` where a heading says it. */
  readonly label?: string;
  readonly labelledBy?: string;
  readonly value: T;
  readonly choices: readonly { readonly value: T; readonly name: string; readonly disabled?: boolean }[];
  readonly onChange: (value: T) => void;
}

export function Segmented<T extends string>({ label, labelledBy, value, choices, onChange }: Props<T>) {
  const id = useId();
  return (
    <div className={styles.segments} role="radiogroup" aria-label={label} aria-labelledby={labelledBy}>
      {choices.map((choice) => (
        <label key={choice.value}>
          <input
            type="radio"
            name={id}
            checked={choice.value === value}
            disabled={choice.disabled ?? false}
            onChange={() => onChange(choice.value)}
          />
          <span>{choice.name}</span>
        </label>
      ))}
    </div>
  );
}
