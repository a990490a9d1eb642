// What made the finished picture, in a dialog: to read, and to take elsewhere. It is of that picture's run; a run that
// goes on meanwhile changes nothing in it.

import { useState } from 'react';
import type { Recipe } from '../../store/recipeSlice';
import { useStore } from '../../store/store';
import { Dialog } from '../Dialog';
import { Region } from '../errors/ErrorBoundary';
import styles from './RecipeDialog.module.css';
import { RecipeExports } from './RecipeExports';
import { recipeLines } from './recipeWords';

export function RecipeDialog() {
  const recipe = useStore((store) => store.job.shown?.recipe ?? null);
  const [read, setRead] = useState<Recipe | null>(null);
  return (
    <>
      <button type="button" aria-haspopup="dialog" disabled={!recipe} onClick={() => setRead(recipe)}>
        Recipe
      </button>
      <Dialog title="Recipe" open={read !== null} onClose={() => setRead(null)}>
        {read && (
          <Region name="The recipe">
            <Read recipe={read} />
          </Region>
        )}
      </Dialog>
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
