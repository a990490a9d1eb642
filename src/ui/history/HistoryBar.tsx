// The history at the foot: a line that opens a strip of all that was made, to find again, put back, star, delete and
// save. What was just done is said in the same line, with its undo.

import { useDeferredValue, useMemo, useState } from 'react';
import { useHistory, type HistoryEntry } from '../../store/history';
import { useStore } from '../../store/store';
import styles from './History.module.css';
import { HistoryStrip } from './HistoryStrip';
import { found } from './historyWords';

const NONE: readonly HistoryEntry[] = [];

export function HistoryBar() {
  const entries = useHistory((history) => history.entries ?? NONE);
  const isOpen = useHistory((history) => history.isOpen);
  const shownId = useStore((store) => store.job.shown?.runId ?? null);
  const [words, setWords] = useState('');
  const [onlyStarred, setOnlyStarred] = useState(false);
  const [activeId, setActiveId] = useState<string | null>(null);
  const searched = useDeferredValue(words);
  const chosen = useMemo(() => found(entries, searched, onlyStarred), [entries, searched, onlyStarred]);
  const isListed = isOpen && entries.length > 0;
  return (
    <section className={styles.history} aria-label="History">
      <div className={styles.bar}>
        <button
          type="button"
          className={styles.opener}
          aria-expanded={isOpen}
          onClick={() => useHistory.getState().setOpen(!isOpen)}
        >
          History {entries.length > 0 && <span className={styles.count}>{entries.length}</span>}
        </button>
        {isListed && (
          <>
            <input
              type="search"
              aria-label="Search the history"
              placeholder="Prompt or model"
              value={words}
              onChange={(event) => setWords(event.target.value)}
            />
            <label>
              <input type="checkbox" checked={onlyStarred} onChange={(event) => setOnlyStarred(event.target.checked)} />
              Starred
            </label>
          </>
        )}
        <WhatWasSaid />
        {isListed && (
          <Acts
            chosen={chosen}
            isAll={chosen.length === entries.length}
            current={chosen.find(({ id }) => id === (activeId ?? shownId)) ?? null}
          />
        )}
      </div>
      {isOpen && entries.length === 0 && (
        <p className={styles.empty}>Each finished picture will be kept here, on this device, with its settings.</p>
      )}
      {isListed && chosen.length === 0 && <p className={styles.empty}>Nothing in the history fits.</p>}
      {isListed && chosen.length > 0 && (
        <HistoryStrip entries={chosen} shownId={shownId} activeId={activeId} onActive={setActiveId} />
      )}
    </section>
  );
}

function WhatWasSaid() {
  const said = useHistory((history) => history.said);
  return (
    <>
      <p className={styles.said} aria-live="polite">
        {said?.text}
      </p>
      {said?.undo && (
        <button type="button" onClick={said.undo}>
          Undo
        </button>
      )}
      {said && (
        <button
          type="button"
          aria-label="Dismiss what was said of the history"
          onClick={() => useHistory.getState().dismiss()}
        >
          ✕
        </button>
      )}
    </>
  );
}

interface ActsProps {
  readonly chosen: readonly HistoryEntry[];
  readonly isAll: boolean;
  readonly current: HistoryEntry | null;
}

function Acts({ chosen, isAll, current }: ActsProps) {
  const { star, remove, saveAll } = useHistory.getState();
  return (
    <span className={styles.acts}>
      <button
        type="button"
        aria-pressed={current?.starred ?? false}
        disabled={!current}
        onClick={() => current && void star(current, !current.starred)}
      >
        {current?.starred ? '★ Starred' : '☆ Star'}
      </button>
      <button type="button" disabled={!current} onClick={() => current && void remove(current)}>
        Delete
      </button>
      <button type="button" disabled={chosen.length === 0} onClick={() => void saveAll(chosen)}>
        Save {isAll ? 'all' : chosen.length} as zip
      </button>
    </span>
  );
}
