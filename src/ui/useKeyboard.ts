// The page's keys: Ctrl/⌘+Enter generate, Esc cancel, Space (held) flips the pair in place, ? the list.

import { useEffect, useState } from 'react';
import { useStore } from '../store/store';

export interface Keyboard {
  readonly flipped: boolean;
  readonly keysOpen: boolean;
  readonly closeKeys: () => void;
}

export function useKeyboard(): Keyboard {
  const [flipped, setFlipped] = useState(false);
  const [keysOpen, setKeysOpen] = useState(false);

  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      const { generate, cancel } = useStore.getState();
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        // A number that is being typed is corrected when its field loses focus.
        if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
        generate();
      } else if (event.key === 'Escape') {
        // An open dialog takes the key for itself.
        if (document.querySelector('dialog[open]')) return;
        setKeysOpen(false);
        cancel();
      } else if (!takesText(event.target)) {
        if (event.key === '?') setKeysOpen((open) => !open);
        else if (event.key === ' ' && !isControl(event.target)) {
          event.preventDefault();
          setFlipped(true);
        }
      }
    };
    const up = (event: KeyboardEvent) => {
      if (event.key === ' ') setFlipped(false);
    };
    window.addEventListener('keydown', down);
    window.addEventListener('keyup', up);
    return () => {
      window.removeEventListener('keydown', down);
      window.removeEventListener('keyup', up);
    };
  }, []);

  return { flipped, keysOpen, closeKeys: () => setKeysOpen(false) };
}

function takesText(target: EventTarget | null): boolean {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
    || (target instanceof HTMLInputElement && target.type === 'text');
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('button, summary, input, a, [role="slider"]') !== null;
}
