// A number that can be typed or stepped with ↑ ↓. Anything may be typed; what cannot stand is corrected when the
// field is left or Enter is pressed, and a note says so.

import { useId, useState, type KeyboardEvent } from 'react';
import { correctNumber, stepNumber, type NumberRule } from '../../settings/numbers';
import styles from './NumberField.module.css';

interface Props {
  readonly label: string;
  readonly value: number;
  readonly rule: NumberRule;
  readonly hint: string;
  /** Shown and not to be changed. */
  readonly fixed?: boolean;
  /** In one line with its label. */
  readonly beside?: boolean;
  readonly onChange: (value: number) => void;
}

export function NumberField({ label, value, rule, hint, fixed = false, beside = false, onChange }: Props) {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const [note, setNote] = useState<string | null>(null);

  const commit = () => {
    if (draft === null) return;
    const corrected = correctNumber(draft, rule);
    setDraft(null);
    setNote(corrected.note);
    onChange(corrected.value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter and the arrows of an IME choose among its own suggestions.
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter') commit();
    if (fixed) return;
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    const from = draft === null ? value : correctNumber(draft, rule).value;
    setDraft(null);
    setNote(null);
    onChange(stepNumber(from, event.key === 'ArrowUp' ? 1 : -1, rule));
  };

  return (
    <div className={styles.field} data-beside={beside}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        inputMode={rule.whole ? 'numeric' : 'decimal'}
        role="spinbutton"
        autoComplete="off"
        maxLength={100}
        aria-valuenow={value}
        aria-valuemin={rule.min}
        aria-valuemax={rule.max}
        aria-describedby={`${id}-hint`}
        readOnly={fixed}
        value={draft ?? String(value)}
        onChange={(event) => setDraft(event.target.value)}
        onFocus={() => setNote(null)}
        onBlur={commit}
        onKeyDown={onKeyDown}
      />
      <p id={`${id}-hint`} className={note ? styles.note : styles.hint}>
        {note ?? hint}
      </p>
    </div>
  );
}
