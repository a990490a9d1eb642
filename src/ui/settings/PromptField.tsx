// A prompt, with how much of it the text encoders read: a longer one loses its end, which is shown.

import { useId } from 'react';
import type { TextFit } from '../../protocol/messages';
import { FIELDS } from '../../settings/fields';
import { readPrompt, useLoras } from '../../store/loras';
import { useStore } from '../../store/store';
import styles from './NumberField.module.css';
import { missingText } from './loraWords';
import { fitText } from './promptWords';
import { useBoundedText } from './useBoundedText';

interface Props {
  readonly name: 'prompt' | 'negativePrompt';
  readonly label: string;
  readonly rows: number;
  /** Why the text is not read at all; null where it is. */
  readonly unread?: string | null;
}

export function PromptField({ name, label, rows, unread = null }: Props) {
  const id = useId();
  const value = useStore((store) => store.settings[name]);
  const change = useStore((store) => store.change);
  const { ref, note, onChange } = useBoundedText<HTMLTextAreaElement>(FIELDS[name].letters, (text) =>
    change({ [name]: text }),
  );
  // The answer for an earlier text says nothing of this one.
  const loras = useLoras((store) => store.loras);
  const { text, missing } = name === 'prompt' ? readPrompt(value, loras) : { text: value, missing: [] };
  const fit = useStore((store): TextFit | null => (store.job.fit?.[name].text === text ? store.job.fit[name] : null));
  const told = value === '' ? null : (unread ?? (fit && fitText(fit)));
  const isCut = fit !== null && fit.kept < text.length && unread === null;
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <textarea ref={ref} id={id} rows={rows} value={value} aria-describedby={`${id}-fit`} onChange={onChange} />
      <div id={`${id}-fit`} className={styles.texts}>
        {/* The count changes with each letter: it is read with the field, not announced. */}
        <div aria-live="polite">{note && <p className={styles.note}>{note}</p>}</div>
        {missing.length > 0 && <p className={styles.note}>{missingText(missing.map((tag) => tag.name))}</p>}
        {told && <p className={isCut ? styles.note : styles.hint}>{told}</p>}
      </div>
    </div>
  );
}
