// What made the finished picture, in a dialog: to read, and to take elsewhere. It is of that picture's run; a run that
// goes on meanwhile changes nothing in it.

import { useId, useRef, useState } from 'react';
import type { Recipe } from '../../store/recipeSlice';
import { useStore } from '../../store/store';
import { Region } from '../errors/ErrorBoundary';
import styles from './RecipeDialog.module.css';
import { RecipeExports } from './RecipeExports';
import { recipeLines } from './recipeWords';

export function RecipeDialog() {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const recipe = useStore((store) => store.job.shown?.recipe ?? null);
  const [read, setRead] = useState<Recipe | null>(null);
  const show = () => {
    setRead(recipe);
    dialog.current?.showModal();
  };
  const close = () => dialog.current?.close();
  return (
    <>
      <button type="button" aria-haspopup="dialog" disabled={!recipe} onClick={show}>
        Recipe
      </button>
      <dialog
        ref={dialog}
        className={styles.dialog}
        aria-labelledby={`${id}-title`}
        onClick={(event) => event.target === dialog.current && close()}
        onClose={() => setRead(null)}
      >
        {read && (
          <div className={styles.body}>
            <header className={styles.header}>
              <h2 id={`${id}-title`}>Recipe</h2>
              <button type="button" onClick={close}>
                Close
              </button>
            </header>
            <Region name="The recipe">
              <Read recipe={read} />
            </Region>
          </div>
        )}
      </dialog>
    </>
  );
}

function Read({ recipe }: { readonly recipe: Recipe }) {
  return (
    <>
      <dl className={styles.lines}>
        {recipeLines(recipe).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <RecipeExports recipe={recipe} />
    </>
  );
}
