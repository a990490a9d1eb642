// The page's keys: Ctrl/⌘+Enter generate, Esc cancel, Space (held) flips the pair in place, ? the list. A key that is
// for something else (an IME window, a suggestion list, a dialog, the list of keys) is left to it, and a key that is
// held down acts once: what Esc closes on its first press must not cancel a run on its second.

import { useEffect, useRef, useState } from 'react';
import { useStore } from '../store/store';

export interface Keyboard {
  readonly flipped: boolean;
  readonly keysOpen: boolean;
  readonly closeKeys: () => void;
}

export function useKeyboard(): Keyboard {
  const [flipped, setFlipped] = useState(false);
  const [keysOpen, setKeysOpen] = useState(false);
  const open = useRef(keysOpen);
  useEffect(() => {
    open.current = keysOpen;
  }, [keysOpen]);

  useEffect(() => {
    // The field whose suggestions the last Esc has closed: the next one there is the page's.
    let closedIn: EventTarget | null = null;

    const escape = (target: EventTarget | null) => {
      if (open.current) setKeysOpen(false);
      else if (mayHaveSuggestions(target) && closedIn !== target) closedIn = target;
      else useStore.getState().cancel();
    };
    const down = (event: KeyboardEvent) => {
      if (isElsewhere(event)) return;
      const { key, target, repeat } = event;
      if (key !== 'Escape') closedIn = null;
      if (key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        // Neither a new line in the prompt nor a click on the button that has the focus.
        event.preventDefault();
        if (!repeat) useStore.getState().generate();
      } else if (key === 'Escape') {
        if (!repeat) escape(target);
      } else if (!takesText(target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
        if (key === '?' && !repeat) setKeysOpen((was) => !was);
        else if (key === ' ' && !isControl(target)) {
          event.preventDefault();
          setFlipped(true);
        }
      }
    };
    const up = (event: KeyboardEvent) => {
      if (event.key === ' ') setFlipped(false);
    };
    const changed = () => {
      closedIn = null;
    };
    // Away from the window nobody hears the key come up.
    const away = () => setFlipped(false);
    const listeners = [
      ['keydown', down],
      ['keyup', up],
      ['input', changed],
      ['pointerdown', changed],
      ['blur', away],
    ] as const;
    for (const [type, listener] of listeners) window.addEventListener(type, listener as EventListener);
    document.addEventListener('visibilitychange', away);
    return () => {
      for (const [type, listener] of listeners) window.removeEventListener(type, listener as EventListener);
      document.removeEventListener('visibilitychange', away);
    };
  }, []);

  return { flipped, keysOpen, closeKeys: () => setKeysOpen(false) };
}

/** Taken by another already, by an IME (229 is what some browsers say in place of the key), or by an open dialog. */
function isElsewhere(event: KeyboardEvent): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- Safari's last key of a composition says it only so
  const inComposition = event.isComposing || event.keyCode === 229;
  return event.defaultPrevented || inComposition || useStore.getState().openDialogs > 0;
}

/** The browser does not say whether its own list is open. */
function mayHaveSuggestions(target: EventTarget | null): boolean {
  return target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.list !== null);
}

function takesText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && target.type === 'text')
  );
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('button, summary, input, a, [role="slider"]') !== null;
}
