// A button that adds files beside the model, and those that were refused, each with why.

import { useRef } from 'react';
import type { FetchErrorData } from '../../library/fetchError';
import { ModelPanelError } from '../model/ModelPanelError';

export interface AddFilesProps {
  /** On the button. */
  readonly label: string;
  /** The accessible name of the file input. */
  readonly inputLabel: string;
  readonly refused: readonly { readonly fileName: string; readonly error: FetchErrorData }[];
  readonly onAdd: (files: readonly File[]) => void;
}

export function AddFiles({ label, inputLabel, refused, onAdd }: AddFilesProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      {refused.map(({ fileName, error }) => (
        <ModelPanelError key={fileName} error={{ ...error, message: `${fileName}: ${error.message}` }} />
      ))}
      <button type="button" onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept=".safetensors"
        aria-label={inputLabel}
        onChange={({ target }) => {
          onAdd([...(target.files ?? [])]);
          // The same file may be chosen again.
          target.value = '';
        }}
      />
    </>
  );
}
