// What came of the recipe that was opened: taken over, what was not and why, another model, or why nothing was. It
// takes the focus, so that those who do not see it hear it.

import { useEffect, useRef } from 'react';
import { useRecipes, type Opened } from '../../store/recipeSlice';
import styles from './RecipeDialog.module.css';
import { modelText } from './recipeWords';

export function RecipeNotice() {
  const opened = useRecipes((recipes) => recipes.opened);
  const title = useRef<HTMLParagraphElement>(null);
  const { undo, beginFrom, dismiss } = useRecipes.getState();
  useEffect(() => {
    if (opened) title.current?.focus();
  }, [opened]);
  if (!opened) return null;
  const taken = opened.outcome === 'taken';
  return (
    <section className={taken ? styles.notice : styles.failure} aria-label="Opened recipe">
      <p ref={title} tabIndex={-1}>
        {taken
          ? `The settings are now those of ${opened.fileName}.`
          : `${opened.fileName}: ${opened.message} Nothing was changed.`}
      </p>
      {taken && <Left opened={opened} />}
      <div className={styles.actions}>
        {taken && (
          <button type="button" onClick={undo}>
            Undo
          </button>
        )}
        {opened.picture && (
          <button type="button" onClick={beginFrom}>
            Begin from this picture
          </button>
        )}
        <button type="button" onClick={dismiss}>
          Dismiss
        </button>
      </div>
    </section>
  );
}

function Left({
  opened: { notRestored, otherModel, problems },
}: {
  readonly opened: Extract<Opened, { outcome: 'taken' }>;
}) {
  return (
    <>
      {otherModel && (
        <p>
          It was made with the model {modelText(otherModel)}, which is not the one chosen here: the picture will be
          another.
        </p>
      )}
      {problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
      {notRestored.length > 0 && (
        <details open={notRestored.length <= 4}>
          <summary>
            {notRestored.length === 1 ? '1 setting was' : `${notRestored.length} settings were`} not taken over
          </summary>
          <dl className={styles.left}>
            {notRestored.map(({ name, value, why }, index) => (
              <div key={index}>
                <dt>
                  {name}: {value}
                </dt>
                <dd>{why}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </>
  );
}
