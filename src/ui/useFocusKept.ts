// Focus never falls to the body. What has the focus may go away (Dismiss, Not now) or be disabled (Cancel, when the run
// has ended); who works by keyboard or screen reader would begin again at the top of the page. The focus goes on to the
// nearest place around it that is still there: to what is marked `data-home` in it, else to its first button.

import { useEffect } from 'react';

const BUTTON = 'button:not(:disabled), summary';
const ANY = `${BUTTON}, a[href], input:not(:disabled), textarea, select, [tabindex="0"]`;

export function useFocusKept(): void {
  useEffect(() => {
    let last: HTMLElement | null = null;
    /** From the nearest outwards; what is taken out of the page has no ancestors any more. */
    let around: readonly HTMLElement[] = [];

    const focused = ({ target }: FocusEvent) => {
      if (!(target instanceof HTMLElement)) return;
      last = target;
      around = ancestors(target);
    };
    const pressed = ({ target }: PointerEvent) => {
      // Who clicks beside everything gives the focus up.
      if (last && target instanceof Node && !last.contains(target)) last = null;
    };
    const mend = () => {
      if (!last || (last.isConnected && !last.matches(':disabled'))) return;
      // The browser moves the focus off a disabled element only later.
      if (document.activeElement !== last && document.activeElement !== document.body) return;
      const gone = last;
      last = null;
      for (const place of around) {
        const next = place.isConnected ? firstIn(place, gone) : null;
        if (!next) continue;
        next.focus();
        return;
      }
    };
    const observer = new MutationObserver(mend);
    observer.observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ['disabled'],
    });
    document.addEventListener('focusin', focused);
    document.addEventListener('pointerdown', pressed);
    return () => {
      observer.disconnect();
      document.removeEventListener('focusin', focused);
      document.removeEventListener('pointerdown', pressed);
    };
  }, []);
}

function ancestors(element: HTMLElement): readonly HTMLElement[] {
  const all: HTMLElement[] = [];
  for (let at = element.parentElement; at; at = at.parentElement) all.push(at);
  return all;
}

function firstIn(place: HTMLElement, gone: HTMLElement): HTMLElement | null {
  for (const wanted of ['[data-home]', BUTTON, ANY]) {
    const found = [...place.querySelectorAll<HTMLElement>(wanted)].find((one) => one !== gone && one.checkVisibility());
    if (found) return found;
  }
  return null;
}
