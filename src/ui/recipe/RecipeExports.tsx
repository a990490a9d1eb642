// A recipe for other programs: one text a program, to copy or to save, with what it cannot carry.

import { useId, useMemo, useRef, useState } from 'react';
import { recipeExports, saveExport, type Recipe } from '../../store/recipeSlice';
import { Segmented } from '../Segmented';
import { copyText } from './copyText';
import styles from './RecipeDialog.module.css';

export function RecipeExports({ recipe }: { readonly recipe: Recipe }) {
  const id = useId();
  const exports = useMemo(() => recipeExports(recipe), [recipe]);
  const [chosen, setChosen] = useState(0);
  const [said, setSaid] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const one = exports[chosen];
  if (!one) return null;
  const copy = async () => {
    if (!field.current) return;
    const copied = await copyText(field.current);
    setSaid(copied ? 'Copied.' : 'The browser did not allow copying. The text is selected: copy it.');
  };
  return (
    <section className={styles.section} aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>Take it elsewhere</h3>
      <Segmented
        labelledBy={`${id}-title`}
        value={one.name}
        choices={exports.map(({ name }) => ({ value: name, name }))}
        onChange={(name) => {
          setChosen(exports.findIndex((other) => other.name === name));
          setSaid('');
        }}
      />
      <p className={styles.quiet}>{one.note}</p>
      {one.warnings.length > 0 && (
        <ul className={styles.warnings} aria-label="What to know">
          {one.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <textarea
        ref={field}
        className={styles.text}
        readOnly
        rows={8}
        spellCheck={false}
        aria-label={`${one.name} text`}
        value={one.text}
      />
      <div className={styles.actions}>
        <button type="button" className={styles.primary} onClick={() => void copy()}>
          Copy
        </button>
        <button type="button" onClick={() => saveExport(one)}>
          Save file
        </button>
        <span role="status" className={styles.quiet}>
          {said}
        </span>
      </div>
    </section>
  );
}
