// Thumbnails, the newest first. Only those in sight are drawn, so that thousands scroll as smoothly as ten. One stop
// for Tab: arrows, Home and End go along it, Enter or Space puts an entry back, Delete deletes it.

import { useId, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useHistory, type HistoryEntry } from '../../store/history';
import styles from './History.module.css';
import { entryText } from './historyWords';
import { Thumbnail } from './Thumbnail';

interface Props {
  readonly entries: readonly HistoryEntry[];
  readonly shownId: string | null;
  /** The one that the keys are at. */
  readonly activeId: string | null;
  readonly onActive: (id: string | null) => void;
}

/** CSS pixels from one thumbnail to the next, and how many beyond both edges are drawn. */
const STEP = 80;
const BEYOND = 4;

export function HistoryStrip({ entries, shownId, activeId, onActive }: Props) {
  const strip = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ left: 0, width: 1200 });
  const name = useId();
  const { restore, remove } = useHistory.getState();
  useLayoutEffect(() => {
    const element = strip.current;
    if (!element) return;
    const look = () => setSight({ left: element.scrollLeft, width: element.clientWidth });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  const active = entries.findIndex(({ id }) => id === activeId);
  const first = Math.max(0, Math.floor(sight.left / STEP) - BEYOND);
  const end = Math.min(entries.length, Math.ceil((sight.left + sight.width) / STEP) + BEYOND);
  const drawn = entries.slice(first, end).map((entry, at) => [first + at, entry] as const);

  const goTo = (index: number) => {
    const to = Math.max(0, Math.min(entries.length - 1, index));
    onActive(entries[to]!.id);
    const element = strip.current;
    if (!element) return;
    const [left, right] = [to * STEP, (to + 1) * STEP];
    if (left < element.scrollLeft) element.scrollLeft = left;
    else if (right > element.scrollLeft + element.clientWidth) element.scrollLeft = right - element.clientWidth;
  };
  const key = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = active < 0 ? 0 : active;
    const entry = entries[active];
    const acts: Readonly<Record<string, () => void>> = {
      ArrowRight: () => goTo(active < 0 ? 0 : at + 1),
      ArrowLeft: () => goTo(at - 1),
      Home: () => goTo(0),
      End: () => goTo(entries.length - 1),
      Enter: () => entry && void restore(entry),
      ' ': () => entry && void restore(entry),
      Delete: () => {
        if (!entry) return;
        onActive(entries[at + 1]?.id ?? entries[at - 1]?.id ?? null);
        void remove(entry);
      },
    };
    const act = Object.hasOwn(acts, event.key) ? acts[event.key] : undefined;
    if (!act) return;
    event.preventDefault();
    act();
  };

  return (
    <div
      ref={strip}
      className={styles.strip}
      role="listbox"
      aria-label="Pictures made"
      aria-orientation="horizontal"
      tabIndex={0}
      aria-activedescendant={active >= first && active < end ? `${name}${activeId}` : undefined}
      onKeyDown={key}
    >
      <div className={styles.all} style={{ width: entries.length * STEP }}>
        {drawn.map(([index, entry]) => (
          // Chosen by the keys of the list itself.
          <div
            key={entry.id}
            id={`${name}${entry.id}`}
            role="option"
            aria-label={entryText(entry)}
            aria-selected={entry.id === shownId}
            aria-setsize={entries.length}
            aria-posinset={index + 1}
            title={entryText(entry)}
            data-active={entry.id === activeId}
            className={styles.entry}
            style={{ left: index * STEP }}
            onClick={() => {
              onActive(entry.id);
              void restore(entry);
            }}
          >
            <Thumbnail entry={entry} />
            {entry.starred && <span className={styles.star}>★</span>}
          </div>
        ))}
      </div>
    </div>
  );
}
