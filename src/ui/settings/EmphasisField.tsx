// How prompts are read: whose brackets weigh words, and what becomes of long ones.

import { useId } from 'react';
import type { Emphasis } from '../../prompt/pieces';
import { useStore } from '../../store/store';
import { choiceLabels } from './choiceLabels';
import controls from './Controls.module.css';
import styles from './EmphasisField.module.css';

export function EmphasisField() {
  const id = useId();
  const emphasis = useStore((store) => store.settings.emphasis);
  const change = useStore((store) => store.change);
  return (
    <div className={styles.field}>
      <div className={styles.row}>
        <label htmlFor={id}>Read prompts as</label>
        <select
          id={id}
          value={emphasis}
          aria-describedby={`${id}-hint`}
          onChange={(event) => change({ emphasis: event.target.value as Emphasis })}
        >
          {Object.entries(choiceLabels('emphasis')).map(([key, name]) => (
            <option key={key} value={key}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <p id={`${id}-hint`} className={controls.hint}>
        {HINTS[emphasis]}
      </p>
    </div>
  );
}

const HINTS: Readonly<Record<Emphasis, string>> = {
  a1111: '(word) or (word:1.3) weighs more, [word] less. Long prompts are read whole, in chunks.',
  'a1111-no-norm': 'As in A1111 with “No norm”: weights change the mean too, which suits SDXL.',
  comfy: '(word) or (word:1.3) weighs more. Long prompts are read whole, in chunks.',
  plain: 'Brackets are words. The end of a long prompt is not read.',
};
