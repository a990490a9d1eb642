// Prompts to click, as many as two rows hold; the rest on demand, so that what follows stays in view.

import { useState } from 'react';
import { useStore } from '../../store/store';
import styles from './Controls.module.css';

/** Letters that two rows hold beside their frames. */
const LETTERS = 60;

export function Ideas({ ideas }: { readonly ideas: readonly string[] }) {
  const [open, setOpen] = useState(false);
  const change = useStore((store) => store.change);
  const shown = open ? ideas : ideas.slice(0, firstFew(ideas));
  return (
    <div className={styles.ideas} role="group" aria-label="Ideas">
      {shown.map((idea) => (
        <button key={idea} type="button" onClick={() => change({ prompt: idea })}>
          {idea}
        </button>
      ))}
      {(open || shown.length < ideas.length) && (
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Fewer' : 'More …'}
        </button>
      )}
    </div>
  );
}

function firstFew(ideas: readonly string[]): number {
  let letters = 0;
  const end = ideas.findIndex((idea) => (letters += idea.length + 3) > LETTERS);
  return end < 0 ? ideas.length : Math.max(end, 1);
}
