// A prompt, with how much of it the text encoders read, the end that they do not, and what is read otherwise than A1111
// reads it.

import { useId } from 'react';
import type { TextFit } from '../../protocol/events';
import { onlyA1111 } from '../../prompt/onlyA1111';
import { isA1111 } from '../../prompt/pieces';
import { FIELDS } from '../../settings/fields';
import { readPrompt, useLoras } from '../../store/loras';
import { useStore } from '../../store/store';
import styles from './NumberField.module.css';
import { missingText } from './loraWords';
import { fitText, unreadText } from './promptWords';
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
  const emphasis = useStore((store) => store.settings.emphasis);
  const fit = useStore(({ job }): TextFit | null =>
    job.fit?.emphasis === emphasis && job.fit[name].text === text ? job.fit[name] : null,
  );
  const syntax = isA1111(emphasis) && unread === null ? onlyA1111(text, name === 'negativePrompt') : [];
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
        {syntax.map((one) => (
          <p key={one.kind} className={styles.note}>
            {unreadText(one)}
          </p>
        ))}
        {told && <p className={isCut ? styles.note : styles.hint}>{told}</p>}
      </div>
    </div>
  );
}
