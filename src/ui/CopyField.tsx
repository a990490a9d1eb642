// A text to take away: shown in a field, copied by a button that says what came of it. Where the browser forbids it the
// text is selected.

import { useRef, useState, type ReactNode } from 'react';
import { copyText } from './copyText';
import styles from './recipe/RecipeDialog.module.css';

interface Props {
  /** Of the field. */
  readonly label: string;
  readonly text: string;
  readonly rows: number;
  /** On the button. */
  readonly action: string;
  /** More buttons beside it. */
  readonly children?: ReactNode;
}

export function CopyField({ label, text, rows, action, children }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [said, setSaid] = useState<{ readonly of: string; readonly text: string } | null>(null);
  const copy = async () => {
    if (!field.current) return;
    const copied = await copyText(field.current);
    const what = copied ? 'Copied.' : 'The browser did not allow copying. The text is selected: copy it.';
    setSaid({ of: text, text: what });
  };
  return (
    <>
      <textarea
        ref={field}
        className={styles.text}
        readOnly
        rows={rows}
        spellCheck={false}
        aria-label={label}
        value={text}
      />
      <div className={styles.actions}>
        <button type="button" className={styles.primary} onClick={() => void copy()}>
          {action}
        </button>
        {children}
        <span role="status" className={styles.quiet}>
          {said?.of === text && said.text}
        </span>
      </div>
    </>
  );
}
