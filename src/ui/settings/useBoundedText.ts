// A text field within bounds (settings/boundedText). What is pasted or dropped is bounded before it is in the field:
// the browser would lay it out first. What comes in on other ways is bounded after.

import { useEffect, useRef, useState, type ChangeEvent, type RefObject } from 'react';
import { boundedText } from '../../settings/boundedText';

export interface BoundedField<E> {
  readonly ref: RefObject<E | null>;
  readonly onChange: (event: ChangeEvent<E>) => void;
  /** What was left out, as a sentence; null where nothing was. */
  readonly note: string | null;
}

export function useBoundedText<E extends HTMLInputElement | HTMLTextAreaElement>(
  max: number,
  onChange: (text: string) => void,
): BoundedField<E> {
  const ref = useRef<E>(null);
  const [note, setNote] = useState<string | null>(null);
  // The note of what is being put in, until its change is told.
  const putIn = useRef<string | null>(null);
  useEffect(() => {
    const field = ref.current;
    const bound = (event: InputEvent) => {
      if (!field || !event.data || event.isComposing) return;
      const [from, to] = [field.selectionStart ?? 0, field.selectionEnd ?? 0];
      const { text, note: left } = boundedText(event.data, max - field.value.length + (to - from), max);
      if (left === null) return;
      event.preventDefault();
      field.setRangeText(text, from, to, 'end');
      putIn.current = left;
      field.dispatchEvent(new Event('input', { bubbles: true }));
      putIn.current = null;
      // Where nothing fitted nothing changed.
      setNote(left);
    };
    field?.addEventListener('beforeinput', bound as EventListener);
    return () => field?.removeEventListener('beforeinput', bound as EventListener);
  }, [max]);
  return {
    ref,
    note,
    onChange: ({ target: { value } }) => {
      const bounded = boundedText(value, max);
      setNote(bounded.note ?? putIn.current);
      onChange(bounded.text);
    },
  };
}
