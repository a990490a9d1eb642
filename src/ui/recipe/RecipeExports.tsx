// A recipe for other programs: one text a program, to copy or to save, with what it cannot carry.

import { useId, useMemo, useState } from 'react';
import { recipeExports, saveExport, type Recipe } from '../../store/recipeSlice';
import { CopyField } from '../CopyField';
import { Segmented } from '../Segmented';
import styles from './RecipeDialog.module.css';

export function RecipeExports({ recipe }: { readonly recipe: Recipe }) {
  const id = useId();
  const exports = useMemo(() => recipeExports(recipe), [recipe]);
  const [chosen, setChosen] = useState(0);
  const one = exports[chosen];
  if (!one) return null;
  return (
    <section className={styles.section} aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>Take it elsewhere</h3>
      <Segmented
        labelledBy={`${id}-title`}
        value={one.name}
        choices={exports.map(({ name }) => ({ value: name, name }))}
        onChange={(name) => setChosen(exports.findIndex((other) => other.name === name))}
      />
      <p className={styles.quiet}>{one.note}</p>
      {one.warnings.length > 0 && (
        <ul className={styles.warnings} aria-label="What to know">
          {one.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <CopyField label={`${one.name} text`} text={one.text} rows={8} action="Copy">
        <button type="button" onClick={() => saveExport(one)}>
          Save file
        </button>
      </CopyField>
    </section>
  );
}
