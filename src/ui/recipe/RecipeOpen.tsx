// Opens a recipe: by its button, or by a file that is dropped anywhere on the page.

import { useEffect, useRef, useState } from 'react';
import { useRecipes } from '../../store/recipeSlice';
import styles from './RecipeDialog.module.css';

export function RecipeOpen() {
  const input = useRef<HTMLInputElement>(null);
  const dragging = useFileDrop((files) => void useRecipes.getState().open(files));
  const choose = (list: FileList | null) => {
    void useRecipes.getState().open([...(list ?? [])]);
    // The same file may be chosen again.
    if (input.current) input.current.value = '';
  };
  return (
    <>
      <button type="button" onClick={() => input.current?.click()}>
        Open recipe
      </button>
      <input
        ref={input}
        type="file"
        hidden
        accept="image/png,image/jpeg,image/webp,application/json,.png,.jpg,.jpeg,.webp,.json"
        aria-label="Recipe file"
        onChange={(event) => choose(event.target.files)}
      />
      {dragging && (
        <div className={styles.drop} aria-hidden="true">
          <p>Drop a picture or a recipe to take its settings</p>
        </div>
      )}
    </>
  );
}

/** Whether files are being dragged over the page. The browser would leave the page for a file that is dropped on it. */
function useFileDrop(onDrop: (files: readonly File[]) => void): boolean {
  const [dragging, setDragging] = useState(false);
  const drop = useRef(onDrop);
  useEffect(() => {
    drop.current = onDrop;
  });
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDragging(true);
    };
    const leave = (event: DragEvent) => {
      // From one element to another of the page is not out of it.
      if (event.relatedTarget === null) setDragging(false);
    };
    const dropped = (event: DragEvent) => {
      setDragging(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      drop.current([...(event.dataTransfer?.files ?? [])]);
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', dropped);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', dropped);
    };
  }, []);
  return dragging;
}
