// Opens a recipe by its button. One that is dropped on the page: ui/FileDrop.

import { useRef } from 'react';
import { useRecipes } from '../../store/recipeSlice';

export function RecipeOpen() {
  const input = useRef<HTMLInputElement>(null);
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
    </>
  );
}
